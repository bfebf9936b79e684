"""Which windows of a log to ask for next. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

OVERLAP = timedelta(seconds=60)  # Roboflow: lines may appear late
FIRST = timedelta(hours=1)  # what a first look reads
FURTHEST = timedelta(days=30)  # how far back we ever ask


@dataclass(frozen=True)
class Window:
    """A span of a log, from start (inclusive) to end."""

    start: datetime
    end: datetime


def next_windows(
    *, covered_from: datetime | None, covered_to: datetime | None, wanted_from: datetime | None, now: datetime
) -> list[Window]:
    """Return the newest window first, with overlap so that no late line is lost; then what is older and wanted."""
    wanted = max(min(wanted_from or now - FIRST, now - FIRST), now - FURTHEST)
    if covered_from is None or covered_to is None:
        return [Window(wanted, now)]
    windows = [Window(min(covered_to, now) - OVERLAP, now)]
    if wanted < covered_from:
        windows.append(Window(wanted, covered_from))
    return windows


def older_part(window: Window, oldest: datetime) -> Window | None:
    """Roboflow gives the newest lines of a window: return what is left before the oldest one, None when nothing is."""
    return Window(window.start, oldest) if oldest > window.start and oldest < window.end else None
