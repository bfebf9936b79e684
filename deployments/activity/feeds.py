"""One page of a feed, or the whole feed as an export: the same for a workspace and for the whole portal."""

from typing import Any

from django.db.models import QuerySet
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase

from portal.audit.export import record_export
from portal.audit.feed import COLUMNS, export_fields, feed_page, filter_choices, filter_events
from portal.audit.integrity import integrity_context
from portal.audit.models import Event
from portal.web.export import export_response, wants_export
from portal.web.limits import too_many_exports_page


def export_if_wanted(
    request: HttpRequest, events: QuerySet[Event], *, workspace: Any, what: str, filename: str
) -> HttpResponseBase | None:
    """Return the export of the filtered feed when the address asks for one, and record it; None for a page."""
    wanted = wants_export(request)
    if not wanted:
        return None
    if not record_export(request, workspace, what=what, format=wanted):
        return too_many_exports_page(request)
    rows = filter_events(events, request.GET).order_by("-sequence")
    fields = (export_fields(one) for one in rows.iterator(chunk_size=1000))
    return export_response(fields, columns=COLUMNS, format=wanted, filename=filename)


def feed_context(request: HttpRequest, events: QuerySet[Event]) -> dict[str, Any]:
    """Return what a page of the feed shows: its lines, the choices of its filters, and the integrity card."""
    lines, following = feed_page(filter_events(events, request.GET), cursor=request.GET.get("cursor"))
    return {"lines": lines, "next": following, **filter_choices(events), **integrity_context()}


def get_event_or_404(events: QuerySet[Event], sequence: int) -> Event:
    """Return the entry with this sequence number. Raises Http404."""
    event = events.filter(sequence=sequence).first()
    if event is None:
        raise Http404
    return event
