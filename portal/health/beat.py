"""Writes heartbeats, reads them, and asks Redis whether it is there."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

import redis
from django.conf import settings
from django.db import DatabaseError, connection

from portal import __version__
from portal.health.models import Heartbeat

LATE = timedelta(seconds=25)  # a part that is killed shows within 30 s


@dataclass(frozen=True)
class Part:
    """The state of one part."""

    name: str
    ok: bool
    words: str
    at: datetime | None = None
    version: str = ""


def beat(parts: list[str], *, now: datetime) -> None:
    """Write that these parts are alive."""
    rows = [Heartbeat(part=part, at=now, version=__version__) for part in parts]
    Heartbeat.objects.bulk_create(rows, update_conflicts=True, unique_fields=["part"], update_fields=["at", "version"])


@cache
def broker() -> redis.Redis:
    """Return a client of the broker that gives up after a second."""
    url = settings.BROKER_URL.replace("redis+socket://", "unix://")
    return redis.Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1, retry=None)


def redis_part() -> Part:
    """Ask Redis."""
    try:
        info = broker().info("server")
        return Part("redis", True, "answers", version=str(info.get("valkey_version") or info.get("redis_version", "")))
    except (redis.RedisError, OSError) as error:
        return Part("redis", False, f"does not answer ({type(error).__name__})")


def queue_length() -> int | None:
    """Return how many tasks wait, None when Redis does not say."""
    try:
        return int(broker().llen("celery"))  # type: ignore[arg-type]
    except (redis.RedisError, OSError):
        return None


def parts(*, now: datetime) -> list[Part]:
    """Return the state of every part that a ready portal needs."""
    try:
        rows = {row.part: row for row in Heartbeat.objects.all()}
    except DatabaseError as error:
        return [Part("database", False, f"does not answer ({type(error).__name__})"), redis_part()]
    database = Part("database", True, "answers", version=connection.vendor)
    return [database, redis_part(), *(heartbeat_part(name, rows.get(name), now=now) for name in ("worker", "beat"))]


def heartbeat_part(name: str, row: Heartbeat | None, *, now: datetime) -> Part:
    """Return the state of a part that tells by heartbeats."""
    if row is None:
        return Part(name, False, "was never seen")
    late = not -LATE < now - row.at <= LATE  # one of the future tells of a clock that was set back, not of a part that lives
    return Part(name, not late, "was not seen lately" if late else "is alive", row.at, row.version)
