"""What the pages of a workspace's trail and of the whole trail share: feed, export, one entry."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
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
from portal.audit.look_back import FoundPage, look_back
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
    cursor, is_filtered = request.GET.get("cursor"), any(request.GET.get(name) for name in FILTERS)
    if is_filtered:
        page = look_back(events, filter_events(events, request.GET), cursor=cursor)
    else:
        page = FoundPage(*feed_page(events, cursor=cursor))
    context: dict[str, Any] = {
        "days": lines_by_day(page.lines, now=now()),
        "next": page.next,
        "looked_back_to": page.looked_back_to,
        "is_filtered": is_filtered,
        "is_older": bool(cursor) and not request.GET.get("empty"),
    }
    if actions and not wants_part(request, "feed"):
        context |= {"facets": facets_of(events, actions), **integrity_context()}
    elif not page.next:
        context["checkpoint"] = newest_checkpoint()
    return context


def entry_page(
    request: HttpRequest, events: QuerySet[Event], sequence: int, *, back: str, back_label: str
) -> HttpResponse:
    """Return the page of one of `events`. `back` is the address of the list that it is in.

    An entry that was moved to an archive has a page that says so (410). Raises Http404 for any other.
    """
    found = readable(with_addresses(events.filter(sequence=sequence)))
    if not found:
        return archived_page(request, sequence)
    event = found[0]
    context = {"event": event, "sentence": sentence_of(event.action), "back": back, "back_label": back_label}
    return render(request, "audit/entry.html", context)


def archived_page(request: HttpRequest, sequence: int) -> HttpResponse:
    """Return the page in place of an archived entry. Raises Http404 when the number is not of one."""
    checkpoint = newest_checkpoint()
    if checkpoint is None or sequence > checkpoint.sequence:
        raise Http404
    message = _(
        "The entries up to %(number)s were moved to an archive on %(day)s. Your administrators have it."
    )
    values = {"number": checkpoint.sequence, "day": date_format(localtime(checkpoint.signed_at), "j F Y")}
    return problem_page(request, 410, _("This entry is in an archive"), message % values)
