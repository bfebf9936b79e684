"""What a query finds in a range of lines: the lines of a page, their numbers, and the histogram."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.db.models import QuerySet

from deployments.fleet.state_bar import Mark
from deployments.logs.histogram import Histogram, bar_seconds, histogram_of
from deployments.logs.models import COUNTED_TOGETHER, Line, LineCount
from deployments.logs.pages import LogPage, before_line, logs_of, newest_page, page_around
from deployments.logs.scan import Scan, scan_lines
from deployments.logs.search import DEFAULT_SHOWN_LINES, ShownRange, filter_lines
from deployments.logs.spans import Span
from deployments.logs.tally import Tally, tally_found, tally_lines


@dataclass(frozen=True)
class Answer:
    """The answer to `query`, the cleaned data of a QueryForm. `rows` and `counts` are those of its logs."""

    rows: QuerySet[Line]
    counts: QuerySet[LineCount]
    query: dict[str, Any]
    shown: ShownRange
    before: Line | None = None  # only lines before it are shown
    is_of_many: bool = False  # the lines are of several logs

    @property
    def span(self) -> Span:
        """The range, in Roboflow's clock; lines may come later than its end when it is live."""
        return Span(self.shown.start, self.shown.end)

    @property
    def in_range(self) -> QuerySet[Line]:
        """All lines of the range."""
        return self.shown.lines(self.rows)

    @property
    def found(self) -> QuerySet[Line]:
        """The lines that the query finds, those of a regular expression as far as it was looked for."""
        found = filter_lines(self.in_range, self.query)
        if self.scan is None:
            return before_line(found, self.before) if self.before else found
        level, shows_health = self.query.get("level"), self.shows_health
        pks = [
            line.pk
            for line in self.scan.found
            if (not level or line.level == level) and (shows_health or not line.is_health_check)
        ]
        return Line.objects.filter(pk__in=pks[: self.count + 1])

    @cached_property
    def scan(self) -> Scan | None:
        """What the regular expression of the query finds; None for a query without one."""
        if not self.is_expression:
            return None
        rows = filter_lines(self.in_range, self.query | {"level": "", "health": True})
        rows = before_line(rows, self.before) if self.before else rows
        return scan_lines(rows, self.query["pattern"], is_enough=self.count + 1)

    @property
    def is_expression(self) -> bool:
        """Whether the query looks for a regular expression."""
        return bool(self.query.get("regex") and self.query["pattern"])

    @property
    def count(self) -> int:
        """How many lines are shown at most."""
        return self.query["max_entries"] or DEFAULT_SHOWN_LINES

    @property
    def shows_health(self) -> bool:
        """Whether health checks are lines like others."""
        return bool(self.query.get("health") or self.query.get("kind"))

    def page(self, *, linked: Line | None = None) -> LogPage:
        """Return the lines around the line `linked`, or the newest ones that the query finds."""
        if linked and not self.before:
            return page_around(
                filter_lines(self.in_range, self.query), linked, self.count, pattern=self.query["pattern"]
            )
        return newest_page(self.found, self.count, pattern=self.query["pattern"])

    @cached_property
    def tally(self) -> Tally:
        """The numbers of lines by level and time, whatever level the query asks for."""
        seconds = bar_seconds(self.span)
        if self.scan is not None:
            tally = tally_found(self.scan.found, seconds=seconds, shows_health=self.shows_health)
            tally.since, tally.until = self.scan.searched_to, self.before.timestamp if self.before else None
            return tally
        counts = self.counts.filter(start__gt=self.shown.start - COUNTED_TOGETHER)
        if not self.shown.is_live:
            counts = counts.filter(start__lte=self.shown.end)
        rows = filter_lines(self.in_range, self.query | {"level": "", "health": True})
        is_whole = not any(self.query.get(name) for name in ("q", "severity", "kind"))
        return tally_lines(
            rows,
            counts,
            span=self.span,
            is_live=self.shown.is_live,
            seconds=seconds,
            is_whole=is_whole,
            shows_health=self.shows_health,
        )

    def histogram(self, marks: Sequence[Mark] = ()) -> Histogram:
        """Return the drawing of the numbers, with `marks` of what people did."""
        return histogram_of(self.tally, self.span, level=self.query.get("level", ""), marks=marks)

    def head_context(self) -> dict[str, Any]:
        """Return what the head of a log page shows: the levels with their numbers, and what is left out."""
        return {
            "levels": self.tally.by_level,
            "health_count": 0 if self.shows_health else self.tally.health_checks,
            "searched_to": self.scan.searched_to if self.scan else None,
        }


def lines_context(page: LogPage, answer: Answer) -> dict[str, Any]:
    """Return what the templates need of the lines of a page."""
    first = page.lines[0][0] if page.lines else None
    return {
        "lines": page.lines,
        "logs": logs_of(page.lines) if answer.is_of_many else {},
        "has_lines": bool(page.lines),
        "page": page,
        "oldest": first.timestamp if first else answer.shown.start,
        "empty": "" if page.lines else "1",
    }
