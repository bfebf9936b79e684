"""Look for a regular expression in stored lines, newest first, for a limited time."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from django.db.models import QuerySet

from deployments.logs.meaning import HEALTH_KIND
from deployments.logs.models import Line
from deployments.logs.pages import before_line
from deployments.logs.words import Pattern

SCAN_SECONDS = 2.0
LINES_AT_ONCE = 2_000
MOST_SCANNED = 20_000  # lines after which a scan ends that has found enough for its page


class Found(NamedTuple):
    """A line that was found. Its text is not kept: there may be many."""

    pk: int
    timestamp: datetime
    level: str
    is_health_check: bool


@dataclass
class Scan:
    """The lines found, newest first. `searched_to` is how far back was looked; None: the whole range."""

    found: list[Found] = field(default_factory=list)
    searched_to: datetime | None = None


def scan_lines(rows: QuerySet[Line], pattern: Pattern, *, is_enough: int) -> Scan:
    """Return which lines of `rows` contain the pattern.

    It stops after SCAN_SECONDS, or once it has found `is_enough` lines among MOST_SCANNED.
    """
    scan, scanned, until = Scan(), 0, time.monotonic() + SCAN_SECONDS
    for lines in newest_first(rows):
        scan.found += [found_line(line) for line in lines if pattern.search(line.plain)]
        scanned += len(lines)
        is_done = scanned >= MOST_SCANNED and len(scan.found) >= is_enough
        if is_done or time.monotonic() > until:
            is_last = not before_line(rows, lines[-1]).exists()
            scan.searched_to = None if is_last else lines[-1].timestamp
            break
    return scan


def found_line(line: Line) -> Found:
    """Return what is kept of a line that was found."""
    return Found(line.pk, line.timestamp, line.shown_level, line.kind == HEALTH_KIND)


def newest_first(rows: QuerySet[Line]) -> Iterator[list[Line]]:
    """Yield all lines of `rows` in parts, newest first. Each part is read when it is asked for."""
    ordered = rows.order_by("-timestamp", "-id").defer("insert_id")
    lines = list(ordered[:LINES_AT_ONCE])
    while lines:
        yield lines
        lines = list(before_line(ordered, lines[-1])[:LINES_AT_ONCE])
