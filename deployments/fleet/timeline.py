"""The timeline of a deployment as a bar: which status when, in shares of the range. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

RANGES = {"24h": timedelta(hours=24), "7d": timedelta(days=7), "30d": timedelta(days=30)}
COLOURED_STATUSES = {"pending", "ready", "paused", "failed", "expired", "deleted"}
DRAWING_WIDTH = 1000
SMALLEST_WIDTH = 1  # so that a short status can be seen


@dataclass(frozen=True)
class Segment:
    """One status for a while, with its place in the drawing, which is DRAWING_WIDTH wide."""

    x: float
    width: float
    status: str
    look: str  # of the CSS class: the status, or "other" for one that we do not know
    start: datetime
    end: datetime


def timeline_segments(
    steps: Sequence[tuple[datetime, str]], *, start: datetime, end: datetime
) -> list[Segment]:
    """Return the segments between `start` and `end` for `steps` of (observed at, status), oldest first.

    Nothing is drawn before the first step, nor while the deployment was "gone".
    """
    segments = []
    ends = [at for at, _ in steps[1:]] + [end]
    for (at, status), until in zip(steps, ends, strict=False):
        first, last = max(at, start), min(until, end)
        if last > first and status != "gone":
            segments.append(place_segment(status, first, last, start=start, end=end))
    return segments


def place_segment(status: str, first: datetime, last: datetime, *, start: datetime, end: datetime) -> Segment:
    """Return the segment of `status` from `first` to `last` in a drawing from `start` to `end`."""
    scale = DRAWING_WIDTH / (end - start).total_seconds()
    return Segment(
        x=round((first - start).total_seconds() * scale, 2),
        width=round(max((last - first).total_seconds() * scale, SMALLEST_WIDTH), 2),
        status=status,
        look=status if status in COLOURED_STATUSES else "other",
        start=first,
        end=last,
    )
