"""What the pages of a workspace's trail and of the whole trail share: feed, export, one entry."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from portal.audit.actions import sentence_of
from portal.audit.checkpoints import newest_checkpoint
from portal.audit.export import begin_export
from portal.audit.facets import facets_of
from portal.audit.feed import (
    COLUMNS,
    export_fields,
    feed_page,
    filter_events,
    lines_by_day,
    with_addresses,
)
from portal.audit.integrity import integrity_context
from portal.audit.models import Event
from portal.audit.stored import readable, readable_one_by_one
from portal.clock import now
from portal.web.errors import problem_page
from portal.web.export import export_response, wants_export
from portal.web.fields import SpanForm
from portal.web.fragments import form_page, wants_part

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

FILTERS = ("q", "actor", "action", "object", "outcome", "source", "deployment", "from", "to")


def export_if_wanted(
    request: HttpRequest, events: QuerySet[Event], *, workspace: Any, what: str, filename: str
) -> HttpResponseBase | None:
    """Return an export of `events` if the query string asks for one, otherwise None.

    The filters of the query string apply. The export is recorded in the trail as `what`; a person who may not
    export now gets a page instead.
    """
    format = wants_export(request)
    if format is None:
        return None
    download = begin_export(request, workspace, what=what, format=format)
    if isinstance(download, HttpResponse):
        return download
    found = with_addresses(filter_events(events, request.GET))
    rows = readable_one_by_one(found.order_by("-sequence"))
    fields = (export_fields(event) for event in rows)
    return export_response(
        request,
        fields,
        columns=COLUMNS,
        format=format,
        filename=filename,
        download=download,
    )


def refuse_wrong_times(
    request: HttpRequest,
    template: str,
    context: dict[str, Any],
    events: QuerySet[Event],
    *,
    actions: Sequence[tuple[str, "StrOrPromise"]] = (),
) -> HttpResponse | None:
    """Return the page with a message beside a time that cannot be read, or None when all can be."""
    form = SpanForm(request.GET)
    if form.is_valid():
        return None
    context = context | {"form": form, "is_filtered": True}
    if actions:
        context |= {"facets": facets_of(events, actions), **integrity_context()}
    return form_page(request, template, context)


def feed_context(
    request: HttpRequest, events: QuerySet[Event], *, actions: Sequence[tuple[str, "StrOrPromise"]] = ()
) -> dict[str, Any]:
    """Return the context of a feed: lines of `events` by day.

    With `actions`, the beginnings of actions with their labels, a whole page has facets and the integrity
    card, too; the polled part of it needs neither.
    """
    lines, next_cursor = feed_page(filter_events(events, request.GET), cursor=request.GET.get("cursor"))
    context = {
        "days": lines_by_day(lines, now=now()),
        "next": next_cursor,
        "is_filtered": any(request.GET.get(name) for name in FILTERS),
        "checkpoint": None if next_cursor else newest_checkpoint(),
    }
    if actions and not wants_part(request, "feed"):
        context |= {"facets": facets_of(events, actions), **integrity_context()}
    return context


def archived_page(request: HttpRequest, sequence: int) -> HttpResponse | None:
    """Return the page in place of an entry that was moved to an archive (410), or None for any other."""
    checkpoint = newest_checkpoint()
    if checkpoint is None or sequence > checkpoint.sequence:
        return None
    message = _(
        "The entries up to %(number)s were moved to an archive on %(day)s. Your administrators have it."
    )
    values = {"number": checkpoint.sequence, "day": date_format(localtime(checkpoint.signed_at), "j F Y")}
    return problem_page(request, 410, _("This entry is in an archive"), message % values)


def get_event_or_404(events: QuerySet[Event], sequence: int) -> Event:
    """Return the event in `events` with this sequence number. Raises Http404."""
    found = readable(with_addresses(events.filter(sequence=sequence)))
    if not found:
        raise Http404
    return found[0]


def entry_context(event: Event, *, back: str, back_label: str) -> dict[str, Any]:
    """Return the context of the page of one entry. `back` is the address of the list that it is in."""
    return {"event": event, "sentence": sentence_of(event.action), "back": back, "back_label": back_label}
