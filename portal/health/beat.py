"""Writes heartbeats, reads them, and asks Redis whether it is there."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

import redis
from django.conf import settings
from django.db import DatabaseError, connection

from portal import __version__
from portal.health.models import Heartbeat

LATE = timedelta(
    seconds=17
)  # beats come every 5 s; with the 10 s of a container's health check a part that is killed shows within 30 s
PROBE_EVERY = timedelta(seconds=5)


@dataclass(frozen=True)
class Part:
    """The state of one part."""

    name: str
    ok: bool
    words: str
    at: datetime | None = None
    version: str = ""


def record_heartbeats(parts: list[str], *, now: datetime) -> None:
    """Write that these parts are alive."""
    rows = [Heartbeat(part=part, at=now, version=__version__) for part in parts]
    Heartbeat.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["part"], update_fields=["at", "version"]
    )


@cache
def broker_client() -> redis.Redis:
    """Return a client of the broker that gives up after a second."""
    url = settings.BROKER_URL.replace("redis+socket://", "unix://")
    return redis.Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1, retry=None)


def redis_part() -> Part:
    """Ask Redis whether it answers, and whether it could take one more task."""
    try:
        info = broker_client().info()
    except (redis.RedisError, OSError) as error:
        return Part("redis", False, f"does not answer ({type(error).__name__})")
    full = 0 < int(info.get("maxmemory", 0)) <= int(info.get("used_memory", 0))
    broken = "err" in (info.get("aof_last_write_status"), info.get("rdb_last_bgsave_status"))
    words = "is full" if full else "cannot write to its disk" if broken else "answers"
    return Part(
        "redis",
        not (full or broken),
        words,
        version=str(info.get("valkey_version") or info.get("redis_version", "")),
    )


def queue_length() -> int | None:
    """Return how many tasks wait, None when Redis does not say."""
    try:
        return int(broker_client().llen("celery"))  # type: ignore[arg-type]
    except (redis.RedisError, OSError):
        return None


def portal_parts(*, now: datetime) -> list[Part]:
    """Return the state of every part that a ready portal needs."""
    try:
        rows = {row.part: row for row in Heartbeat.objects.all()}
    except DatabaseError as error:
        return [Part("database", False, f"does not answer ({type(error).__name__})"), redis_part()]
    database = database_part(rows.get("database"), now=now)
    return [
        database,
        redis_part(),
        *(heartbeat_part(name, rows.get(name), now=now) for name in ("worker", "beat")),
    ]


def database_part(row: Heartbeat | None, *, now: datetime) -> Part:
    """Say whether the database takes writes: one that only answers is of no use. Tried every few seconds, however often somebody asks."""
    if row is None or not timedelta(0) <= now - row.at < PROBE_EVERY:
        try:
            with short_lock_wait():
                record_heartbeats(["database"], now=now)
        except DatabaseError as error:
            return Part("database", False, f"cannot be written ({type(error).__name__})")
    return Part("database", True, "answers", version=connection.vendor)


@contextmanager
def short_lock_wait() -> Iterator[None]:
    """Wait two seconds for SQLite's one writer, not twenty: somebody waits for the answer."""
    if connection.vendor != "sqlite":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout = 2000")
        try:
            yield
        finally:
            cursor.execute("PRAGMA busy_timeout = 20000")


def heartbeat_part(name: str, row: Heartbeat | None, *, now: datetime) -> Part:
    """Return the state of a part that tells by heartbeats."""
    if row is None:
        return Part(name, False, "was not seen yet")
    late = (
        not -LATE < now - row.at <= LATE
    )  # one of the future tells of a clock that was set back, not of a part that lives
    return Part(name, not late, "was not seen lately" if late else "is alive", row.at, row.version)
