"""The timeline of a deployment as a bar: which status when, in shares of the range. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

RANGES = {"24h": timedelta(hours=24), "7d": timedelta(days=7), "30d": timedelta(days=30)}
KNOWN = {"pending", "ready", "paused", "failed", "expired", "deleted", "gone"}
WIDTH = 1000  # of the drawing


@dataclass(frozen=True)
class Segment:
    """One status for a while: place and width in the drawing, and the words for it."""

    x: float
    width: float
    status: str
    look: str
    start: datetime
    end: datetime


def timeline_segments(
    steps: Sequence[tuple[datetime, str]], *, start: datetime, end: datetime
) -> list[Segment]:
    """Return the segments between `start` and `end` of steps (observed at, status), oldest first."""
    found = []
    for index, (at, status) in enumerate(steps):
        until = steps[index + 1][0] if index + 1 < len(steps) else end
        begin, finish = max(at, start), min(until, end)
        if finish > begin and status != "gone":
            found.append(place_segment(begin, finish, status, start, end))
    return found


def place_segment(begin: datetime, finish: datetime, status: str, start: datetime, end: datetime) -> Segment:
    """Return one segment, placed."""
    total = (end - start).total_seconds()
    x = (begin - start).total_seconds() / total * WIDTH
    width = (finish - begin).total_seconds() / total * WIDTH
    return Segment(
        round(x, 2), round(max(width, 1), 2), status, status if status in KNOWN else "other", begin, finish
    )
