"""Decide which windows of a log to read next. Pure; all times are aware."""

from dataclasses import dataclass
from datetime import datetime, timedelta

OVERLAP = timedelta(seconds=60)  # Roboflow: a line may appear in the log this long after its timestamp
FIRST_SPAN = timedelta(hours=1)  # what the first harvest reads
LONGEST_SPAN = timedelta(days=30)  # no harvest goes back further


@dataclass(frozen=True)
class Window:
    """A span of a log, from start to end."""

    start: datetime
    end: datetime


def next_windows(
    *, covered_from: datetime | None, covered_to: datetime | None, wanted_from: datetime | None, now: datetime
) -> list[Window]:
    """Return the windows to read, newest first.

    The log was read between `covered_from` and `covered_to`, or never if they are None. The first window ends
    `now`; it repeats the last OVERLAP of what was read, so that no late line is lost. The second window is
    what is older than that and wanted, if anything is.
    """
    wanted = max(min(wanted_from or now - FIRST_SPAN, now - FIRST_SPAN), now - LONGEST_SPAN)
    if covered_from is None or covered_to is None:
        return [Window(wanted, now)]
    windows = [Window(min(covered_to, now) - OVERLAP, now)]
    if wanted < covered_from:
        windows.append(Window(wanted, covered_from))
    return windows


def older_part(window: Window, oldest: datetime) -> Window | None:
    """Return the part of `window` before the `oldest` line that was read, or None when nothing is left.

    Roboflow answers with the newest lines of a window, so this part is read next.
    """
    is_inside = window.start < oldest < window.end
    return Window(window.start, oldest) if is_inside else None
