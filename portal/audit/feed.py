"""Reads the trail for people: filtered, grouped by operation, newest first."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import Exists, Func, OuterRef, Q, QuerySet, Subquery, TextField, Value
from django.db.models.functions import Coalesce
from django.http import QueryDict

from portal.audit.actions import sentence_of
from portal.audit.models import Event
from portal.audit.stored import readable
from portal.web.fields import parse_typed_time
from portal.web.paging import Page, keyset_page
from portal.web.times import day_text

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
NOT_DONE_OUTCOMES = ("failed", "refused", "needs_attention", "unknown")  # only these are marked
EXACT_FILTERS = {  # parameter to the column that must have this value
    "source": "source",
    "outcome": "outcome",
    "deployment": "deployment_id",
    "object": "object_name",
}
# What a text is looked for in: one comparison for each entry, in place of four. What stands between two
# columns is in no typed text.
BETWEEN = "\x1f"
TOLD = Func(
    "reason",
    Value(BETWEEN),
    "object_name",
    Value(BETWEEN),
    "actor_name",
    Value(BETWEEN),
    "action",
    template="(%(expressions)s)",
    arg_joiner=" || ",
    output_field=TextField(),
)
LONGEST_VALUE = 200  # characters of a parameter that are read
REFUSED = ".refused"  # ends the action of a request that did not become an operation


@dataclass
class FeedLine:
    """One line of the feed: the newest event of an operation, or an event without one.

    What one request asked of several deployments is one line, with the lines of the others as `others`.
    """

    event: Event
    earlier: list[Event] = field(default_factory=list)  # the events of the same operation, oldest first
    others: list["FeedLine"] = field(default_factory=list)

    @property
    def sentence(self) -> str:
        """Return the text between actor and object."""
        return sentence_of(self.event.action)

    @property
    def initials(self) -> str:
        """Return the first letters of the actor's first two names."""
        names = self.event.actor_name.split()
        return "".join(name[0].upper() for name in names[:2])

    @property
    def is_about_actor(self) -> bool:
        """Whether the object is the actor: "Ana signed in" needs no address after it."""
        event = self.event
        return event.object_type in ("person", "member") and event.object_id == str(event.actor_id)

    @property
    def is_marked(self) -> bool:
        """Whether it was not done, or is not known to be done."""
        return self.event.outcome in NOT_DONE_OUTCOMES

    @property
    def batch(self) -> list["FeedLine"]:
        """All lines of the batch, or [] for a line of its own."""
        return [self, *self.others] if self.others else []

    @property
    def batch_outcomes(self) -> str:
        """Return how many of the batch have each outcome, such as "12 succeeded, 1 failed"."""
        counts = Counter(line.event.outcome.replace("_", " ") for line in self.batch)
        return ", ".join(f"{count} {outcome}" for outcome, count in counts.most_common())

    @property
    def asked_sentence(self) -> str:
        """Return the sentence of a batch: what was asked, whatever became of each part."""
        return sentence_of(f"{kind_of_action(self.event.action)}.requested")


def with_addresses(events: QuerySet[Event]) -> QuerySet[Event]:
    """Return the events with `actor_email`: names change, and an account keeps its address."""
    people = get_user_model()._default_manager.filter(pk=OuterRef("actor_id"))
    return events.annotate(actor_email=Coalesce(Subquery(people.values("email")[:1]), Value("")))


def filter_events(events: QuerySet[Event], query: QueryDict) -> QuerySet[Event]:
    """Return the `events` that the parameters of `query` ask for.

    A parameter that is empty filters nothing, nor does a time that cannot be read: a page refuses it before.
    """

    def value_of(name: str) -> str:
        return query.get(name, "").replace("\x00", "").replace(BETWEEN, "").strip()[:LONGEST_VALUE]

    for name, column in EXACT_FILTERS.items():
        if value := value_of(name):
            events = events.filter(**{column: value})
    if actor := value_of("actor"):
        events = events.filter(actor_condition(actor))
    if action := value_of("action"):
        events = events.filter(action__startswith=action)
    if text := value_of("q"):
        events = events.alias(told=TOLD).filter(told__icontains=text)
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
    return gather_batches(group_by_operation(page.rows)), page.next


def group_by_operation(newest: list[Event]) -> list[FeedLine]:
    """Return a line for each event in `newest`, with the earlier events of its operation."""
    by_operation: dict[str, list[Event]] = defaultdict(list)
    operation_ids = [one.operation_id for one in newest if one.operation_id and not is_refusal(one)]
    events = Event.objects.filter(operation_id__in=operation_ids).exclude(action__endswith=REFUSED)
    for event in readable(events.order_by("sequence")):
        by_operation[event.operation_id].append(event)
    return [FeedLine(one, earlier_events(one, by_operation)) for one in newest]


def kind_of_action(action: str) -> str:
    """Return an action without its last part: "deployment.pause" for all events of a pause."""
    return action.rsplit(".", 1)[0]


def gather_batches(lines: Iterable[FeedLine]) -> list[FeedLine]:
    """Return `lines` with those of one batch as one line, in the place of the newest of them.

    A batch is what one request asked for: its operations have the same kind, person and request id.
    """
    gathered: list[FeedLine] = []
    by_request: dict[tuple[str, str, int | None], FeedLine] = {}
    for line in lines:
        event = line.event
        key = (event.request_id, kind_of_action(event.action), event.actor_id)
        if not (event.operation_id and event.request_id) or is_refusal(event):
            gathered.append(line)
        elif first := by_request.get(key):
            first.others.append(line)
        else:
            by_request[key] = line
            gathered.append(line)
    return gathered


def lines_by_day(lines: Iterable[FeedLine], *, now: datetime) -> list[tuple[str, list[FeedLine]]]:
    """Return `lines` under the names of their days in the active time zone."""
    return [(day, list(group)) for day, group in groupby(lines, lambda line: day_text(line.event.at, now))]


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
