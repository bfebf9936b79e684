"""How many lines of a range a search finds, by level and by time."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Count, Func, IntegerField, Q, QuerySet, Sum

from deployments.logs.counts import EPOCH, FIELD_OF_LEVEL, ten_minutes_of
from deployments.logs.meaning import HEALTH_KIND, INFO, LEVELS
from deployments.logs.models import COUNTED_TOGETHER, Line, LineCount, shown_level
from deployments.logs.scan import Found
from deployments.logs.spans import TICK, Span

MOST_COUNTED = 20_000  # lines that are counted one by one, so that a page takes no longer in a larger log
TEN_MINUTES = int(COUNTED_TOGETHER.total_seconds())


@dataclass
class Tally:
    """Numbers of lines. `bars` has them by the beginning of its time, in seconds since 1970, and by level.

    `since` and `until` are set when only lines of that time were counted; `seconds` is the width of a bar.
    """

    seconds: int
    levels: Counter[str] = field(default_factory=Counter)
    bars: dict[int, Counter[str]] = field(default_factory=dict)
    health_checks: int = 0
    since: datetime | None = None
    until: datetime | None = None

    def add(self, at: int, level: str, count: int, *, is_health_check: bool, shows_health: bool) -> None:
        """Count lines of one level whose time is `at`, in seconds since 1970."""
        self.health_checks += count if is_health_check else 0
        if not is_health_check or shows_health:
            self.levels[level] += count
            self.bars.setdefault(at - at % self.seconds, Counter())[level] += count

    @property
    def by_level(self) -> dict[str, int]:
        """The number of lines by level, in the order of LEVELS, without those that do not occur."""
        return {level: self.levels[level] for level in LEVELS if self.levels[level]}


class Bar(Func):
    """The beginning of the bar in which a time lies, in seconds since 1970."""

    output_field = IntegerField()

    def as_sqlite(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        """Return it for SQLite, which stores times as texts in UTC."""
        template = "(CAST(strftime('%%%%s', %(expressions)s) AS INTEGER) / %(seconds)s * %(seconds)s)"
        return self.as_sql(compiler, connection, template=template, **extra)

    def as_postgresql(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        """Return it for PostgreSQL."""
        template = "(FLOOR(EXTRACT(EPOCH FROM %(expressions)s) / %(seconds)s)::bigint * %(seconds)s)"
        return self.as_sql(compiler, connection, template=template, **extra)


def tally_lines(
    rows: QuerySet[Line],
    counts: QuerySet[LineCount],
    *,
    span: Span,
    is_live: bool,
    seconds: int,
    is_whole: bool,
    shows_health: bool,
) -> Tally:
    """Return the numbers of `rows`, whose ten minutes are in `counts`. They are those of a span.

    When the rows are all lines of the span (`is_whole`), `counts` tell the numbers of whole ten minutes, as
    far as bars of `seconds` allow it, or when there are more than MOST_COUNTED. Of a search in more lines,
    the newest are counted, and the tally says since when. A span that `is_live` has no end.
    """
    is_told = is_whole and seconds >= TEN_MINUTES and not shows_health
    is_much = not is_told and (counts.aggregate(lines=Sum("lines"))["lines"] or 0) > MOST_COUNTED
    if is_told or (is_whole and is_much):
        width = max(seconds, TEN_MINUTES)
        return tally_counts(
            rows, counts, span=span, is_live=is_live, seconds=width, shows_health=shows_health
        )
    tally = Tally(seconds, since=counted_since(counts) if is_much else None)
    add_lines(tally, rows.filter(timestamp__gte=tally.since) if tally.since else rows, shows_health)
    return tally


def add_lines(tally: Tally, rows: QuerySet[Line], shows_health: bool) -> None:
    """Count lines one by one, in the database."""
    groups = rows.order_by().annotate(
        bar=Bar("timestamp", seconds=tally.seconds), is_health=Q(kind=HEALTH_KIND)
    )
    found = groups.values_list("bar", "level", "severity", "is_health").annotate(count=Count("pk"))
    for at, level, severity, is_health, count in found:
        tally.add(
            at,
            shown_level(level, severity),
            count,
            is_health_check=bool(is_health),
            shows_health=shows_health,
        )


def counted_since(counts: QuerySet[LineCount]) -> datetime | None:
    """Return since when the newest MOST_COUNTED lines were written, to ten minutes: at least those of ten."""
    total, oldest = 0, None
    newest_first = counts.order_by("-start").values_list("start").annotate(lines=Sum("lines"))
    for start, lines in newest_first.iterator():
        if total and total + lines > MOST_COUNTED:
            break
        total, oldest = total + lines, start
    return oldest


def tally_counts(
    rows: QuerySet[Line],
    counts: QuerySet[LineCount],
    *,
    span: Span,
    is_live: bool,
    seconds: int,
    shows_health: bool,
) -> Tally:
    """Return the numbers of all lines of a span: of whole ten minutes from `counts`, of the rest from `rows`.

    In `counts`, health checks are INFO.
    """
    tally = Tally(seconds)
    first = ten_minutes_of(span.start + COUNTED_TOGETHER - TICK)
    last = ten_minutes_of(span.end)
    in_between = counts.filter(start__gte=first)
    if first > span.start:
        add_lines(tally, rows.filter(timestamp__lt=first), shows_health)
    if not is_live:
        in_between = in_between.filter(start__lt=last)
        add_lines(tally, rows.filter(timestamp__gte=max(first, last)), shows_health)
    sums = [Sum(name) for name in (*FIELD_OF_LEVEL.values(), "health_checks")]
    by_bar = in_between.order_by().annotate(bar=Bar("start", seconds=seconds)).values_list("bar")
    for at, *numbers, checks in by_bar.annotate(*sums):
        for level, count in zip(FIELD_OF_LEVEL, numbers, strict=True):
            if count:
                tally.add(at, level, count, is_health_check=False, shows_health=shows_health)
        if checks:
            tally.add(at, INFO, checks, is_health_check=True, shows_health=shows_health)
    return tally


def tally_found(found: Iterable[Found], *, seconds: int, shows_health: bool) -> Tally:
    """Return the numbers of lines that were found by looking at each."""
    tally = Tally(seconds)
    for line in found:
        at = int((line.timestamp - EPOCH).total_seconds())
        tally.add(at, line.level, 1, is_health_check=line.is_health_check, shows_health=shows_health)
    return tally
