"""Writes and reads heartbeats, all by the database's clock."""

from datetime import timedelta

from django.db.models.functions import Now

from portal import __version__
from portal.health.models import Heartbeat

# Beats come every 5 s; with the 10 s of a container's health check, a killed part shows within 30 s.
LATE = timedelta(seconds=17)
FORGOTTEN_AFTER = timedelta(minutes=10)  # a replica that was taken away is no longer missed


def record_heartbeat(part: str, host: str = "", *, age: timedelta = timedelta(0)) -> None:
    """Write that `part` on `host` was alive `age` ago."""
    Heartbeat.objects.bulk_create(
        [Heartbeat(part=part, host=host, at=Now() - age if age else Now(), version=__version__)],
        update_conflicts=True,
        unique_fields=["part", "host"],
        update_fields=["at", "version"],
    )


def remove_heartbeat(part: str, host: str) -> None:
    """Remove the row of a process that ended on purpose."""
    Heartbeat.objects.filter(part=part, host=host).delete()


def read_heartbeats() -> dict[str, list[tuple[Heartbeat, timedelta]]]:
    """Return, by part, each host's heartbeat and its age; those of forgotten replicas are left out."""
    rows: dict[str, list[tuple[Heartbeat, timedelta]]] = {}
    for row in Heartbeat.objects.annotate(database_time=Now()).order_by("part", "host"):
        age = row.database_time - row.at
        if abs(age) < FORGOTTEN_AFTER:
            rows.setdefault(row.part, []).append((row, age))
    return rows


def is_late(age: timedelta) -> bool:
    """Return whether a heartbeat is too old, or from a time before the database's clock was set back."""
    return not -LATE < age <= LATE


def forget_heartbeats() -> None:
    """Delete all heartbeats, before everything is started anew."""
    Heartbeat.objects.all().delete()
