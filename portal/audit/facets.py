"""The facets of the trail: for each filter the values that occur, with counts, as links at the side."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.contrib.auth import get_user_model
from django.db.models import Count, Max, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from portal.audit.models import Event
from portal.audit.stored import UNREADABLE
from portal.web.statuses import status_text

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

COUNTED_ENTRIES = 10_000  # the newest of the trail: a page says so when there are more
SHOWN_OBJECTS = 8  # the search finds the others


@dataclass(frozen=True)
class Facet:
    """One filter: the parameter of the query string, and its values as (value, label, count)."""

    name: str
    label: str
    values: list[tuple[str, str, int]]


@dataclass(frozen=True)
class Facets:
    """All filters. `is_partial` tells that only the newest COUNTED_ENTRIES of the trail were counted."""

    all: list[Facet]
    is_partial: bool
    counted = COUNTED_ENTRIES


def facets_of(events: QuerySet[Event], actions: Sequence[tuple[str, "StrOrPromise"]]) -> Facets:
    """Return the facets of `events`. `actions` are beginnings of actions with their labels."""
    newest = Event.objects.aggregate(newest=Max("sequence"))["newest"] or 0
    recent = events.filter(sequence__gt=newest - COUNTED_ENTRIES).order_by()
    facets = [
        Facet("actor", _("Person"), people_values(recent)),
        Facet("action", _("Action"), action_values(recent, actions)),
        Facet("object", _("Object"), counted_values(recent, "object_name", most=SHOWN_OBJECTS)),
        Facet("outcome", _("Outcome"), counted_values(recent, "outcome")),
        Facet("source", _("Source"), counted_values(recent, "source")),
    ]
    return Facets([facet for facet in facets if facet.values], is_partial=newest > COUNTED_ENTRIES)


SOURCE_WORDS = {gettext_noop("portal"), gettext_noop("outside"), gettext_noop("system")}


def counted_values(
    events: QuerySet[Event], column: str, *, most: int | None = None
) -> list[tuple[str, str, int]]:
    """Return the `most` frequent values of a column, or all; [] if a broken row prevents counting."""
    counted = events.exclude(**{column: ""}).values_list(column).annotate(count=Count("*"))
    try:
        rows = list(counted.order_by("-count", column)[:most])
    except UNREADABLE:
        return []
    return [(value, value_text(str(value)), count) for value, count in rows]


def value_text(value: str) -> str:
    """Return a source or an outcome in words; other values keep their own, with spaces."""
    return _(value) if value in SOURCE_WORDS else status_text(value)


def people_values(events: QuerySet[Event]) -> list[tuple[str, str, int]]:
    """Return the people who occur, under the present names of their accounts."""
    try:
        rows = list(events.exclude(actor_id=None).values_list("actor_id").annotate(count=Count("*")))
    except UNREADABLE:
        return []
    rows = [row for row in rows if isinstance(row[0], int)]  # SQLite takes any text as a number
    people = get_user_model()._default_manager.in_bulk([pk for pk, _ in rows])
    named = [(str(pk), getattr(people.get(pk), "name", f"number {pk}"), count) for pk, count in rows]
    return sorted(named, key=lambda one: one[1].lower())


def action_values(
    events: QuerySet[Event], actions: Iterable[tuple[str, "StrOrPromise"]]
) -> list[tuple[str, str, int]]:
    """Return those of `actions` that occur, in their order."""
    counts = Counter({action: count for action, _, count in counted_values(events, "action")})
    found = [
        (prefix, str(label), sum(count for action, count in counts.items() if action.startswith(prefix)))
        for prefix, label in actions
    ]
    return [one for one in found if one[2]]
