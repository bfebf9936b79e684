"""The state bar of a deployment's page: its statuses as a drawing with marks, and their sums."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from deployments.fleet.history import HistoryEntry, operation_entries, outside_entries
from deployments.fleet.models import Deployment
from deployments.fleet.observed import gaps_of
from deployments.fleet.prices import credits_per_hour
from deployments.fleet.status_cell import status_word
from deployments.fleet.timeline import (
    RANGES,
    UNOBSERVED,
    Segment,
    StatusSpan,
    draw_spans,
    place_of,
    status_spans,
    time_by_status,
)
from deployments.ledger.kinds import READY
from portal.web.times import span_text

HOURS_BETWEEN, DAYS_BETWEEN = 3, {"7d": 1, "30d": 5}  # the marks below the bar
MOST_MARKED = 1000  # operations, and changes from outside; a mark covers those of one per cent of the bar


@dataclass(frozen=True)
class Mark:
    """What people did within one per cent of the bar. `url` leads to the newest of `entries`."""

    x: float
    entries: list[HistoryEntry]  # newest first

    @property
    def url(self) -> str:
        """Return the address of the newest."""
        return self.entries[0].url

    @property
    def at(self) -> datetime:
        """When the newest was."""
        return self.entries[0].at

    @property
    def text(self) -> str:
        """The newest in words, and how many there are besides it."""
        newest, more = self.entries[0], len(self.entries) - 1
        told = f"{newest.who}: {newest.text}"
        return _("%(told)s, and %(count)s more") % {"told": told, "count": more} if more else told

    @property
    def look(self) -> str:
        """The CSS class: failures are marked."""
        return "failed" if any(entry.is_marked for entry in self.entries) else "other"


@dataclass(frozen=True)
class Sum:
    """How long one status lasted in the range."""

    status: str
    look: str
    text: str


@dataclass(frozen=True)
class StateBar:
    """All that is drawn and told about the range of a deployment's page."""

    range: str
    segments: list[Segment]
    ticks: list[tuple[float, str]]  # place in per cent, and text
    marks: list[Mark]
    sums: list[Sum]
    cost: str  # a sentence


def state_bar(deployment: Deployment, *, range_name: str, now: datetime) -> StateBar:
    """Return the state bar of a deployment for the range with this name that ends `now`."""
    start = now - RANGES[range_name]
    spans = observed_spans(deployment, start=start, now=now)
    return StateBar(
        range=range_name,
        segments=draw_spans(spans, start=start, end=now),
        ticks=ticks_of(range_name, start=start, end=now),
        marks=marks_of(deployment, start=start, end=now),
        sums=sums_of(spans),
        cost=cost_text(deployment, spans),
    )


def observed_spans(deployment: Deployment, *, start: datetime, now: datetime) -> list[StatusSpan]:
    """Return what the status was since `start`, as far as the portal looked."""
    newest_first = deployment.timeline.order_by("-observed_at", "-pk")
    steps = [*newest_first.filter(observed_at__gt=start), *newest_first.filter(observed_at__lte=start)[:1]]
    known = [(step.observed_at, step.after) for step in reversed(steps)]
    if not deployment.seen_from_birth and deployment.first_seen_at > start:
        known.insert(0, (start, UNOBSERVED))  # it existed before the portal looked for the first time
    gaps = gaps_of(deployment.workspace, start=start, now=now)
    return status_spans(known, start=start, end=now, gaps=gaps)


def ticks_of(range_name: str, *, start: datetime, end: datetime) -> list[tuple[float, str]]:
    """Return the marks of whole hours, or of midnights, of the active time zone with their places."""
    if range_name not in DAYS_BETWEEN:
        first = start.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
        hours = [first + timedelta(hours=number) for number in range(25)]
        local = [timezone.localtime(hour) for hour in hours if hour < end]
        shown = [hour for hour in local if hour.hour % HOURS_BETWEEN == 0]
        return [(place_of(hour, start=start, end=end), date_format(hour, "H:i")) for hour in shown]
    last = timezone.localdate(end)
    count = RANGES[range_name].days
    days = [last - timedelta(days=number) for number in range(0, count, DAYS_BETWEEN[range_name])]
    midnights = [timezone.make_aware(datetime.combine(day, time.min)) for day in reversed(days)]
    return [
        (place_of(midnight, start=start, end=end), date_format(midnight, "j M"))
        for midnight in midnights
        if midnight > start
    ]


def marks_of(deployment: Deployment, *, start: datetime, end: datetime) -> list[Mark]:
    """Return what people and others did since `start`; what lies within one per cent has one mark."""
    found = [
        *operation_entries(deployment, since=start, until=None, count=MOST_MARKED),
        *outside_entries(deployment, since=start, until=None, count=MOST_MARKED),
    ]
    by_place: dict[int, list[HistoryEntry]] = {}
    for entry in sorted(found, key=lambda entry: entry.at, reverse=True):
        by_place.setdefault(int(min(99, place_of(entry.at, start=start, end=end))), []).append(entry)
    return [
        Mark(place_of(entries[0].at, start=start, end=end), entries)
        for entries in reversed(by_place.values())
    ]


def sums_of(spans: Iterable[StatusSpan]) -> list[Sum]:
    """Return how long each status lasted, in words: they are the legend of the bar, too."""
    sums = []
    for status, length in time_by_status(spans).items():
        word = _("Not observed") if status == UNOBSERVED else status_word(status) or _("No status")
        look = StatusSpan(status, datetime.min, datetime.min).look
        sums.append(Sum(status, look, f"{word} {span_text(length)}"))
    return sums


def cost_text(deployment: Deployment, spans: Iterable[StatusSpan]) -> str:
    """Return what the observed time cost, as a sentence.

    Roboflow reports no bills, and no earlier number of replicas: it is an estimate by the present number.
    """
    lengths = time_by_status(spans)
    price = credits_per_hour(deployment.machine_type)
    if price is None:
        machine = deployment.machine_type or _("this machine")
        return _("Cost unknown: the settings have no price for %(machine)s.") % {"machine": machine}
    if not set(lengths) - {UNOBSERVED}:
        return _("Cost unknown: nothing was observed.")
    replicas = 1 if deployment.num_replicas is None else max(1, deployment.num_replicas)
    hours = lengths.get(READY, timedelta(0)) / timedelta(hours=1)
    credits = hours * price * replicas
    if not credits and UNOBSERVED not in lengths:
        return _("No credits.")
    is_little = 0 < credits < 0.1
    cost = (
        _("Less than 0.1 credits")
        if is_little
        else _("About %(credits)s credits") % {"credits": f"{credits:.1f}"}
    )
    if replicas > 1:
        words = ngettext("%(cost)s for %(count)s replica", "%(cost)s for %(count)s replicas", replicas)
        cost = words % {"cost": cost, "count": replicas}
    if UNOBSERVED in lengths:
        unknown = span_text(lengths[UNOBSERVED])
        return _("%(cost)s, without the %(span)s that were not observed.") % {"cost": cost, "span": unknown}
    return f"{cost}."
