"""Reads the trail for people: filtered, grouped by operation, newest first."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import QueryDict

from portal.audit.actions import sentence_of
from portal.audit.models import Event
from portal.web.fields import parse_typed_time
from portal.web.paging import Page, keyset_page

COLUMNS = (
    "sequence",
    "at",
    "actor",
    "actor_id",
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
FIELDS = ("q", "actor", "action", "object", "source", "outcome", "deployment", "from", "to")


@dataclass
class FeedLine:
    """One line of the feed: the newest event of a request, with what came before it."""

    event: Event
    earlier: list[Event] = field(default_factory=list)

    @property
    def words(self) -> str:
        """Return what happened."""
        return sentence_of(self.event.action)


def filter_events(rows: QuerySet[Event], query: QueryDict) -> QuerySet[Event]:
    """Return the events that a query string asks for; values that make no sense match nothing or are left out."""
    values = {name: query.get(name, "").replace("\x00", "").strip()[:200] for name in FIELDS}
    for name, column in (
        ("source", "source"),
        ("outcome", "outcome"),
        ("deployment", "deployment_id"),
        ("object", "object_name"),
    ):
        if values[name]:
            rows = rows.filter(**{column: values[name]})
    if values["actor"]:
        actor = values["actor"]
        rows = (
            rows.filter(actor_id=int(actor))
            if actor.isdecimal() and len(actor) < 18
            else rows.filter(actor_name__iexact=actor)
        )
    if values["action"]:
        rows = rows.filter(action__startswith=values["action"])
    if values["q"]:
        text = values["q"]
        rows = rows.filter(
            Q(reason__icontains=text)
            | Q(object_name__icontains=text)
            | Q(actor_name__icontains=text)
            | Q(action__icontains=text)
        )
    if start := parse_typed_time(values["from"]):
        rows = rows.filter(at__gte=start)
    return rows.filter(at__lte=end) if (end := parse_typed_time(values["to"])) else rows


def feed_page(rows: QuerySet[Event], *, cursor: str | None, size: int = 50) -> tuple[list[FeedLine], str]:
    """Return one page of lines, and the cursor of the next: of each operation its newest event leads."""
    later = Event.objects.filter(
        operation_id=OuterRef("operation_id"), sequence__gt=OuterRef("sequence")
    ).exclude(action__endswith=".refused")
    heads = rows.filter(Q(operation_id="") | Q(action__endswith=".refused") | ~Exists(later))
    page: Page = keyset_page(heads, cursor=cursor, size=size, fields=("-sequence",))
    return group_batches(page.rows), page.next


def group_batches(heads: list[Event]) -> list[FeedLine]:
    """Return lines with the earlier events of their operations."""
    ids = [one.operation_id for one in heads if one.operation_id and not one.action.endswith(".refused")]
    companions: dict[str, list[Event]] = defaultdict(list)
    for one in (
        Event.objects.filter(operation_id__in=ids).exclude(action__endswith=".refused").order_by("sequence")
    ):
        companions[one.operation_id].append(one)
    return [
        FeedLine(
            one, [other for other in companions.get(one.operation_id, []) if other.sequence < one.sequence]
        )
        for one in heads
    ]


def export_fields(event: Event) -> dict[str, Any]:
    """Return an event as exports give it."""
    facts = {name: getattr(event, name, None) for name in COLUMNS}
    return facts | {"actor": event.actor_name, "changes": event.changed}


def filter_choices(rows: QuerySet[Event]) -> dict[str, Any]:
    """Return the people that a feed can be filtered by."""
    people = rows.exclude(actor_id=None).order_by().values_list("actor_id", "actor_name").distinct()[:200]
    return {
        "people": sorted(dict(people).items(), key=lambda one: one[1]),
        "sources": SOURCES,
        "outcomes": OUTCOMES,
    }
