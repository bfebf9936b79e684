"""The one clock of all hosts: this process's time, corrected by its difference from the database's clock.

Web, workers and beat may run on hosts whose clocks differ. Leases, due times and heartbeats are compared
between them, so all of them use this clock. SQLite runs on the same host as everybody who uses it and needs
no correction.
"""

import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.utils import timezone

IGNORED = timedelta(seconds=1)  # smaller differences come from the measurement itself
# Seconds that nobody can set. Linux has a clock that goes on while the machine sleeps.
STEADY_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


@dataclass(frozen=True)
class Measurement:
    """What this host's clock and the steady clock showed, and by how much the database's was ahead."""

    host_time: datetime
    steady: float  # seconds
    offset: timedelta


_last: Measurement | None = None


def now() -> datetime:
    """Return the current time, aware and in UTC, as all hosts of this portal see it."""
    host_time = timezone.now()
    return host_time if _last is None else host_time + _last.offset - step_since(_last, host_time)


def was_set() -> bool:
    """Return whether this host's clock was set since the last measurement, so that a new one is due."""
    return _last is not None and step_since(_last, timezone.now()) != timedelta(0)


def step_since(last: Measurement, host_time: datetime) -> timedelta:
    """Return by how much this host's clock was set forward since the measurement; zero up to IGNORED."""
    elapsed = timedelta(seconds=steady_seconds() - last.steady)
    step = host_time - last.host_time - elapsed
    return step if abs(step) > IGNORED else timedelta(0)


def steady_seconds() -> float:
    """Return the time of a clock that no administrator and no time server sets."""
    return time.clock_gettime(STEADY_CLOCK)


def measure_offset() -> timedelta:
    """Ask the database for its time, and keep and return the difference to ours. Raises DatabaseError.

    An answer that took longer than IGNORED, or during which this host's clock was set, tells too little: the
    measurement before stays until the next one.
    """
    global _last
    if connection.vendor != "postgresql":
        return timedelta(0)
    with connection.cursor() as cursor:  # connects first, which may take long
        asked_at, steady = timezone.now(), steady_seconds()
        cursor.execute("SELECT clock_timestamp()")
        database_time: datetime = cursor.fetchone()[0]
        taken, elapsed = timezone.now() - asked_at, timedelta(seconds=steady_seconds() - steady)
    if elapsed <= IGNORED and abs(taken - elapsed) <= IGNORED:
        difference = database_time - (asked_at + elapsed / 2)
        offset = difference if abs(difference) > IGNORED else timedelta(0)
        _last = Measurement(asked_at, steady, offset)
    return _last.offset if _last else timedelta(0)
