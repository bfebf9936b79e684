"""When to read a workspace's list again. Pure, but for a random share of the back-off."""

import random
from datetime import datetime, timedelta

SETTLING = (
    (10.0, 1.0),
    (30.0, 2.5),
)  # (up to so many seconds after it was accepted, seconds between two reads)
MAX_RETRY_AFTER_SECONDS = 3600.0  # a longer wait would look like a portal that stopped


def next_sync_at(
    *,
    now: datetime,
    is_moving: bool,
    is_watched: bool,
    is_incomplete: bool,
    settling_seconds: float | None = None,
    failures: int,
    retry_after_seconds: float | None,
    active_seconds: float,
    idle_seconds: float,
) -> datetime:
    """Return when the list is due next.

    - After 1 s, then 2.5 s, while an operation that Roboflow accepted `settling_seconds` ago waits for the
      list to show it: its end is what a person waits for.
    - After `active_seconds` while a deployment or an operation is moving, someone watches a page, or the last
      sync could not look up all missing deployments; otherwise after `idle_seconds`.
    - After `failures` in a row: with exponential back-off from `active_seconds` up to `idle_seconds`, and not
      before Roboflow's Retry-After is over (at most an hour).
    """
    if not failures:
        is_soon = is_moving or is_watched or is_incomplete
        if settling_seconds is not None and settling_seconds < SETTLING[-1][0]:
            seconds = next(wait for until, wait in SETTLING if settling_seconds < until)
            return now + timedelta(seconds=min(seconds, active_seconds, idle_seconds))
        return now + timedelta(seconds=min(idle_seconds, active_seconds) if is_soon else idle_seconds)
    back_off = min(idle_seconds, active_seconds * 2 ** min(failures - 1, 10))
    back_off *= random.uniform(0.8, 1.0)  # noqa: S311 - spreads the load of many workspaces
    retry_after = min(retry_after_seconds or 0, MAX_RETRY_AFTER_SECONDS)
    return now + timedelta(seconds=max(back_off, retry_after))
