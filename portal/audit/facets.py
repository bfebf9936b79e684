"""The facets of the trail: for each filter the values that occur, with counts, as links at the side."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

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
COUNTED_COLUMNS = ("actor_id", "action", "outcome", "source")


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


# By the query for the entries: the number of the newest one that was counted, and what was counted. The trail
# only grows, and ten thousand entries take longer to count than a page to make.
known_counts: dict[str, tuple[int, "ValueCounts"]] = {}
MOST_KNOWN = 200  # workspaces


@dataclass(frozen=True)
class ValueCounts:
    """How often each value occurs: by column, and the most frequent objects."""

    columns: dict[str, Counter[Any]]
    objects: list[tuple[str, int]]


def facets_of(events: QuerySet[Event], actions: Sequence[tuple[str, "StrOrPromise"]]) -> Facets:
    """Return the facets of `events`. `actions` are beginnings of actions with their labels."""
    newest = Event.objects.aggregate(newest=Max("sequence"))["newest"] or 0
    counts = value_counts(events, newest=newest)
    facets = [
        Facet("actor", _("Person"), people_values(counts.columns["actor_id"])),
        Facet("action", _("Action"), action_values(counts.columns["action"], actions)),
        Facet("object", _("Object"), [(name, value_text(name), count) for name, count in counts.objects]),
        Facet("outcome", _("Outcome"), frequent_values(counts.columns["outcome"])),
        Facet("source", _("Source"), frequent_values(counts.columns["source"])),
    ]
    return Facets([facet for facet in facets if facet.values], is_partial=newest > COUNTED_ENTRIES)


def value_counts(events: QuerySet[Event], *, newest: int) -> ValueCounts:
    """Return what occurs in those of `events` that are among the newest COUNTED_ENTRIES of the trail.

    Each process counts once for each `newest` entry.
    """
    scope = str(events.query)
    known, counts = known_counts.get(scope, (-1, None))
    if counts is None or known != newest:
        if len(known_counts) >= MOST_KNOWN:
            known_counts.clear()
        recent = events.filter(sequence__gt=newest - COUNTED_ENTRIES).order_by()
        counts = count_values(recent)
        known_counts[scope] = newest, counts
    return counts


def count_values(events: QuerySet[Event]) -> ValueCounts:
    """Count the values of `events`; nothing, if a broken row prevents it."""
    columns: dict[str, Counter[Any]] = {name: Counter() for name in COUNTED_COLUMNS}
    named = events.exclude(object_name="").values_list("object_name").annotate(count=Count("*"))
    try:
        groups = list(events.values_list(*COUNTED_COLUMNS).annotate(count=Count("*")))
        objects = list(named.order_by("-count", "object_name")[:SHOWN_OBJECTS])
    except UNREADABLE:
        return ValueCounts(columns, [])
    for *values, count in groups:
        for name, value in zip(COUNTED_COLUMNS, values, strict=True):
            columns[name][value] += count
    return ValueCounts(columns, objects)


SOURCE_WORDS = {gettext_noop("portal"), gettext_noop("outside"), gettext_noop("system")}


def frequent_values(counts: Counter[Any]) -> list[tuple[str, str, int]]:
    """Return the values of a column, the most frequent first."""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], str(item[0])))
    return [(value, value_text(str(value)), count) for value, count in ordered if value != ""]


def value_text(value: str) -> str:
    """Return a source or an outcome in words; other values keep their own, with spaces."""
    return _(value) if value in SOURCE_WORDS else status_text(value)


def people_values(counts: Counter[Any]) -> list[tuple[str, str, int]]:
    """Return the people who occur, under the present names of their accounts."""
    # SQLite takes any text as a number.
    rows = [(pk, count) for pk, count in counts.items() if isinstance(pk, int)]
    people = get_user_model()._default_manager.in_bulk([pk for pk, _ in rows])
    named = [(str(pk), getattr(people.get(pk), "name", f"number {pk}"), count) for pk, count in rows]
    return sorted(named, key=lambda one: one[1].lower())


def action_values(
    counts: Counter[Any], actions: Iterable[tuple[str, "StrOrPromise"]]
) -> list[tuple[str, str, int]]:
    """Return those of `actions` that occur, in their order."""
    found = [
        (prefix, str(label), sum(count for action, count in counts.items() if str(action).startswith(prefix)))
        for prefix, label in actions
    ]
    return [one for one in found if one[2]]
