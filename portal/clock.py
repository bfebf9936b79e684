"""The one clock of all hosts: this process's time, corrected by its difference from the database's clock.

Web, workers and beat may run on hosts whose clocks differ. Leases, due times and heartbeats are compared
between them, so all of them use this clock. SQLite runs on the same host as everybody who uses it and needs
no correction.
"""

from datetime import datetime, timedelta

from django.db import connection
from django.utils import timezone

IGNORED = timedelta(seconds=1)  # smaller differences come from the measurement itself
_offset = timedelta(0)


def now() -> datetime:
    """Return the current time, aware and in UTC, as all hosts of this portal see it."""
    return timezone.now() + _offset


def measure_offset() -> timedelta:
    """Ask the database for its time, and keep and return the difference to ours. Raises DatabaseError.

    An answer that took longer than IGNORED, or during which this host's clock was set, tells too little: the
    difference from before stays until the next measurement.
    """
    global _offset
    if connection.vendor != "postgresql":
        return _offset
    with connection.cursor() as cursor:  # connects first, which may take long
        asked_at = timezone.now()
        cursor.execute("SELECT clock_timestamp()")
        database_time: datetime = cursor.fetchone()[0]
        taken = timezone.now() - asked_at
    if timedelta(0) <= taken <= IGNORED:
        difference = database_time - (asked_at + taken / 2)
        _offset = difference if abs(difference) > IGNORED else timedelta(0)
    return _offset
