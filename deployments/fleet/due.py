"""When to read a workspace again. Pure."""

import random
from datetime import datetime, timedelta


def next_sync_at(
    *,
    now: datetime,
    moving: bool,
    watched: bool,
    unsure: bool,
    failures: int,
    retry_after: float | None,
    active: float,
    idle: float,
) -> datetime:
    """Return the next due time: soon while anything moves, is watched or unsure; slower when quiet; backing off on failure.

    Never later than `idle` seconds, unless Roboflow asked for more patience (`retry_after`, seconds).
    """
    if failures:
        wait = min(idle, active * 2 ** min(failures - 1, 10)) * random.uniform(0.8, 1.0)  # noqa: S311 - spreads load
        return now + timedelta(seconds=max(wait, min(retry_after or 0, 3600)))
    return now + timedelta(seconds=min(idle, active) if moving or watched or unsure else idle)
