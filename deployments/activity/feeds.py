"""What the pages of a workspace's trail and of the whole trail share: feed, export, one entry."""

from typing import Any

from django.db.models import QuerySet
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase

from portal.audit.export import record_export
from portal.audit.feed import COLUMNS, export_fields, feed_page, filter_choices, filter_events
from portal.audit.integrity import integrity_context
from portal.audit.models import Event
from portal.web.export import export_response, wants_export, wants_mark
from portal.web.limits import too_many_exports_page


def export_if_wanted(
    request: HttpRequest, events: QuerySet[Event], *, workspace: Any, what: str, filename: str
) -> HttpResponseBase | None:
    """Return an export of `events` if the query string asks for one, otherwise None.

    The filters of the query string apply. The export is recorded in the trail as `what`; a person who exports
    too often gets a page (429) instead.
    """
    format = wants_export(request)
    if format is None:
        return None
    if not record_export(request, workspace, what=what, format=format):
        return too_many_exports_page(request)
    rows = filter_events(events, request.GET).order_by("-sequence").iterator(chunk_size=1000)
    fields = (export_fields(event) for event in rows)
    return export_response(
        fields, columns=COLUMNS, format=format, filename=filename, with_mark=wants_mark(request)
    )


def feed_context(request: HttpRequest, events: QuerySet[Event]) -> dict[str, Any]:
    """Return the context of a feed page: lines of `events`, choices of the filters, the integrity card."""
    filtered = filter_events(events, request.GET)
    lines, next_cursor = feed_page(filtered, cursor=request.GET.get("cursor"))
    return {
        "lines": lines,
        "next": next_cursor,
        **filter_choices(events),
        **integrity_context(),
    }


def get_event_or_404(events: QuerySet[Event], sequence: int) -> Event:
    """Return the event in `events` with this sequence number. Raises Http404."""
    event = events.filter(sequence=sequence).first()
    if event is None:
        raise Http404
    return event
