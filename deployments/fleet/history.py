"""The history of one deployment: operations, changes from outside and statuses, as one list by day."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from deployments.fleet.models import Deployment, StatusChange
from deployments.fleet.status_cell import status_word
from deployments.fleet.timeline import COLOURED_STATUSES, GONE
from deployments.ledger.models import Operation
from deployments.ledger.results import operation_sentence
from deployments.ledger.states import State
from portal.audit.actions import sentence_of
from portal.audit.models import Event
from portal.audit.stored import readable
from portal.web.fields import parse_typed_time
from portal.web.times import day_text

LISTED_ENTRIES = 50  # on one page
OUTSIDE_WHO = gettext_lazy("Outside the portal")


@dataclass(frozen=True)
class HistoryEntry:
    """One line: who did what, or which status Roboflow reported."""

    at: datetime
    text: str
    who: str = ""
    email: str = ""
    reason: str = ""
    status: str = ""  # Roboflow's word, in a line that tells a status
    url: str = ""
    is_marked: bool = False  # it failed, or is not known

    @property
    def look(self) -> str:
        """The CSS class of the line's dot."""
        return self.status if self.status in COLOURED_STATUSES else "other"


@dataclass(frozen=True)
class History:
    """One page of the history, newest first. `older` is the parameter that asks for the next page, or ""."""

    days: list[tuple[str, list[HistoryEntry]]]
    older: str


def history_of(deployment: Deployment, *, before: str | None, now: datetime) -> History:
    """Return the page of the history that ends before the time `before` (ISO 8601), or the newest page."""
    until = parse_typed_time(before or "")
    count = LISTED_ENTRIES + 1
    found = [
        *operation_entries(deployment, until=until, count=count),
        *outside_entries(deployment, until=until, count=count),
        *status_entries(deployment, until=until, count=count),
    ]
    found.sort(key=lambda entry: entry.at, reverse=True)
    page, older = first_page(found)
    return History(by_day(without_repeats(page), now=now), older)


def first_page(entries: Sequence[HistoryEntry]) -> tuple[Sequence[HistoryEntry], str]:
    """Return the first LISTED_ENTRIES, and the time before which the next page begins.

    A page ends between two times, so that none of several entries with the same time is lost.
    """
    if len(entries) <= LISTED_ENTRIES:
        return entries, ""
    following = entries[LISTED_ENTRIES].at
    page = [entry for entry in entries[:LISTED_ENTRIES] if entry.at != following]
    page = page or list(entries[:LISTED_ENTRIES])
    return page, page[-1].at.isoformat()


def without_repeats(entries: Iterable[HistoryEntry]) -> list[HistoryEntry]:
    """Return the entries without the statuses that a change from outside at the same moment tells already."""
    listed = list(entries)
    outside = {entry.at for entry in listed if entry.who == str(OUTSIDE_WHO)}
    return [entry for entry in listed if entry.who or entry.at not in outside]


def by_day(entries: Iterable[HistoryEntry], *, now: datetime) -> list[tuple[str, list[HistoryEntry]]]:
    """Return the entries under the names of their days in the active time zone."""
    return [(day, list(group)) for day, group in groupby(entries, lambda entry: day_text(entry.at, now))]


def operation_entries(
    deployment: Deployment, *, until: datetime | None, count: int, since: datetime | None = None
) -> list[HistoryEntry]:
    """Return the newest `count` operations on the deployment that were asked for from `since` to `until`."""
    rows = deployment.workspace.operations.filter(target_id=deployment.deployment_id)
    if until:
        rows = rows.filter(requested_at__lt=until)
    if since:
        rows = rows.filter(requested_at__gte=since)
    newest = rows.select_related("actor").order_by("-requested_at")[:count]
    return [entry_of_operation(operation) for operation in newest]


def entry_of_operation(operation: Operation) -> HistoryEntry:
    """Return the line of one operation."""
    return HistoryEntry(
        at=operation.requested_at,
        who=operation.actor_name,
        email=operation.actor.email if operation.actor else "",
        text=operation_sentence(operation),
        reason=operation.reason,
        url=operation.get_absolute_url(),
        is_marked=operation.state in (State.FAILED, State.NEEDS_ATTENTION, State.UNKNOWN),
    )


def outside_entries(
    deployment: Deployment, *, until: datetime | None, count: int, since: datetime | None = None
) -> list[HistoryEntry]:
    """Return the newest `count` changes that were made outside the portal from `since` to `until`."""
    rows = Event.objects.filter(
        workspace_id=deployment.workspace_id,
        deployment_id=deployment.deployment_id,
        source="outside",
    )
    if until:
        rows = rows.filter(at__lt=until)
    if since:
        rows = rows.filter(at__gte=since)
    newest = readable(rows.order_by("-sequence")[:count])
    return [entry_of_event(event, slug=deployment.workspace.slug) for event in newest]


def entry_of_event(event: Event, *, slug: str) -> HistoryEntry:
    """Return the line of a change from outside, in the workspace with this slug."""
    return HistoryEntry(
        at=event.at,
        who=str(OUTSIDE_WHO),
        text=_("it %(sentence)s") % {"sentence": sentence_of(event.action)},
        reason=event.reason,
        status=str(event.changed.get("status", ["", ""])[-1] or ""),
        url=reverse("activity:entry", args=[slug, event.sequence]),
    )


def status_entries(deployment: Deployment, *, until: datetime | None, count: int) -> list[HistoryEntry]:
    """Return the newest `count` steps of the timeline that were seen before `until`."""
    rows = StatusChange.objects.filter(deployment=deployment)
    if until:
        rows = rows.filter(observed_at__lt=until)
    return [entry_of_step(step) for step in rows.order_by("-observed_at", "-pk")[:count]]


def entry_of_step(step: StatusChange) -> HistoryEntry:
    """Return the line of a status that was reported."""
    if step.after == GONE:
        return HistoryEntry(at=step.observed_at, text=_("No longer at Roboflow"), status="deleted")
    word = status_word(step.after) or _("No status")
    return HistoryEntry(
        at=step.observed_at,
        text=word if step.before else _("%(word)s, when first seen") % {"word": word},
        status=step.after,
    )
