"""Reads the trail for people: filtered, grouped by operation, newest first."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce
from django.http import QueryDict

from portal.audit.actions import sentence_of
from portal.audit.models import Event
from portal.audit.stored import UNREADABLE, readable
from portal.web.fields import parse_typed_time
from portal.web.paging import Page, keyset_page

COLUMNS = (  # of exports
    "sequence",
    "at",
    "actor",
    "actor_id",
    "actor_email",
    "action",
    "source",
    "outcome",
    "workspace_name",
    "object_type",
    "object_id",
    "object_name",
    "deployment_id",
    "operation_id",
    "reason",
    "ip",
    "agent",
    "request_id",
    "changes",
    "previous_hash",
    "hash",
)
SOURCES = ("portal", "outside", "system")
OUTCOMES = (
    "requested",
    "succeeded",
    "failed",
    "refused",
    "cancelled",
    "needs_attention",
    "unknown",
    "resolved",
    "observed",
)
EXACT_FILTERS = {  # parameter to the column that must have this value
    "source": "source",
    "outcome": "outcome",
    "deployment": "deployment_id",
    "object": "object_name",
}
LONGEST_VALUE = 200  # characters of a parameter that are read
REFUSED = ".refused"  # ends the action of a request that did not become an operation


@dataclass
class FeedLine:
    """One line of the feed: the newest event of an operation, or an event without one."""

    event: Event
    earlier: list[Event] = field(default_factory=list)  # the events of the same operation, oldest first

    @property
    def sentence(self) -> str:
        """Return the text between actor and object."""
        return sentence_of(self.event.action)


def with_addresses(events: QuerySet[Event]) -> QuerySet[Event]:
    """Return the events with `actor_email`: names change, and an account keeps its address."""
    people = get_user_model()._default_manager.filter(pk=OuterRef("actor_id"))
    return events.annotate(actor_email=Coalesce(Subquery(people.values("email")[:1]), Value("")))


def filter_events(events: QuerySet[Event], query: QueryDict) -> QuerySet[Event]:
    """Return the `events` that the parameters of `query` ask for.

    A parameter that is empty, or a time that cannot be read, filters nothing.
    """

    def value_of(name: str) -> str:
        return query.get(name, "").replace("\x00", "").strip()[:LONGEST_VALUE]

    for name, column in EXACT_FILTERS.items():
        if value := value_of(name):
            events = events.filter(**{column: value})
    if actor := value_of("actor"):
        events = events.filter(actor_condition(actor))
    if action := value_of("action"):
        events = events.filter(action__startswith=action)
    if text := value_of("q"):
        events = events.filter(text_condition(text))
    if start := parse_typed_time(value_of("from")):
        events = events.filter(at__gte=start)
    if end := parse_typed_time(value_of("to")):
        events = events.filter(at__lte=end)
    return events


def actor_condition(actor: str) -> Q:
    """Return the condition for events of a person, who is given by id or by name."""
    if actor.isdecimal():
        return Q(actor_id=int(actor))
    return Q(actor_name__iexact=actor)


def text_condition(text: str) -> Q:
    """Return the condition for events that contain `text` in reason, object, actor or action."""
    columns = ("reason", "object_name", "actor_name", "action")
    condition = Q()
    for column in columns:
        condition |= Q(**{f"{column}__icontains": text})
    return condition


def feed_page(events: QuerySet[Event], *, cursor: str | None, size: int = 50) -> tuple[list[FeedLine], str]:
    """Return one page of lines, and the cursor of the next page ("" at the end).

    An operation appears once, at its newest event. A refused request has a line of its own.
    """
    newer = Event.objects.filter(operation_id=OuterRef("operation_id"), sequence__gt=OuterRef("sequence"))
    newer = newer.exclude(action__endswith=REFUSED)
    newest = events.filter(Q(operation_id="") | Q(action__endswith=REFUSED) | ~Exists(newer))
    page: Page = keyset_page(
        with_addresses(newest), cursor=cursor, size=size, fields=("-sequence",), read=readable
    )
    return group_by_operation(page.rows), page.next


def group_by_operation(newest: list[Event]) -> list[FeedLine]:
    """Return a line for each event in `newest`, with the earlier events of its operation."""
    by_operation: dict[str, list[Event]] = defaultdict(list)
    operation_ids = [one.operation_id for one in newest if one.operation_id and not is_refusal(one)]
    events = Event.objects.filter(operation_id__in=operation_ids).exclude(action__endswith=REFUSED)
    for event in readable(events.order_by("sequence")):
        by_operation[event.operation_id].append(event)
    return [FeedLine(one, earlier_events(one, by_operation)) for one in newest]


def is_refusal(event: Event) -> bool:
    """Return whether `event` is a refused request; its operation is the one that was already open."""
    return event.action.endswith(REFUSED)


def earlier_events(event: Event, by_operation: dict[str, list[Event]]) -> list[Event]:
    """Return the events of the same operation that are older than `event`; none for a refused request."""
    if is_refusal(event):
        return []
    return [one for one in by_operation.get(event.operation_id, []) if one.sequence < event.sequence]


def export_fields(event: Event) -> dict[str, Any]:
    """Return the values of COLUMNS for one event."""
    values = {name: getattr(event, name, None) for name in COLUMNS}
    return values | {"actor": event.actor_name, "changes": event.changed}


def filter_choices(events: QuerySet[Event]) -> dict[str, Any]:
    """Return the choices of the filter form: the people who occur in `events`, sources and outcomes."""
    rows = events.exclude(actor_id=None).order_by().values_list("actor_id", "actor_name").distinct()
    try:
        people = dict(rows)
    except UNREADABLE:  # a broken row: the people are found by their accounts
        accounts = get_user_model()._default_manager.values_list("pk", "name")
        people = dict(accounts)
    return {
        "people": sorted(people.items(), key=lambda one: str(one[1])),
        "sources": SOURCES,
        "outcomes": OUTCOMES,
    }
