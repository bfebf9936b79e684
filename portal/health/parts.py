"""The state of every part that a ready portal needs, as /readyz and the System page show it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

import redis
from django.db import DatabaseError, connection

from portal.health.heartbeats import is_late, read_heartbeats, record_heartbeat
from portal.health.models import Heartbeat
from portal.queue.broker import broker_client
from portal.queue.routes import QUEUES

WORKERS = tuple(f"worker-{queue}" for queue in QUEUES)
PROBE_EVERY = timedelta(seconds=5)
NOT_SEEN_YET, NOT_SEEN_LATELY, ALIVE = "was not seen yet", "was not seen lately", "is alive"
Aged = tuple[Heartbeat, timedelta]


@dataclass(frozen=True)
class Part:
    """The state of one part."""

    name: str
    ok: bool
    text: str
    at: datetime | None = None
    version: str = ""


def portal_parts() -> list[Part]:
    """Return the state of the database, Redis, the worker of each queue, and beat."""
    return parts_and_processes()[0]


def parts_and_processes() -> tuple[list[Part], list[Part]]:
    """Return the parts as portal_parts() does, and the state of each worker process and of beat, by host."""
    try:
        heartbeats = read_heartbeats()
    except DatabaseError as error:
        return [Part("database", False, f"does not answer ({type(error).__name__})"), redis_part()], []
    parts = [
        database_part(heartbeats.get("database", [])),
        redis_part(),
        *(replicated_part(name, heartbeats.get(name, [])) for name in (*WORKERS, "beat")),
    ]
    processes = [
        Part(f"{name} on {row.host}", not is_late(age), lateness_text(age), row.at, row.version)
        for name in (*WORKERS, "beat")
        for row, age in heartbeats.get(name, [])
    ]
    return parts, processes


def replicated_part(name: str, heartbeats: list[Aged]) -> Part:
    """Return the state of a part of which one process is enough; it names how many are missing."""
    if not heartbeats:
        return Part(name, False, NOT_SEEN_YET)
    newest, age = min(heartbeats, key=lambda pair: abs(pair[1]))
    late = sum(is_late(age) for _, age in heartbeats)
    if late and late < len(heartbeats):
        text = f"{late} of {len(heartbeats)} {NOT_SEEN_LATELY}"
        return Part(name, True, text, newest.at, newest.version)
    return Part(name, not is_late(age), lateness_text(age), newest.at, newest.version)


def lateness_text(age: timedelta) -> str:
    """Return in words what the age of a heartbeat means."""
    return NOT_SEEN_LATELY if is_late(age) else ALIVE


def redis_part() -> Part:
    """Return whether Redis answers, and whether it could take one more task."""
    try:
        info = broker_client().info()
    except (redis.RedisError, OSError) as error:
        return Part("redis", False, f"does not answer ({type(error).__name__})")
    is_full = 0 < int(info.get("maxmemory", 0)) <= int(info.get("used_memory", 0))
    is_broken = "err" in (info.get("aof_last_write_status"), info.get("rdb_last_bgsave_status"))
    text = "is full" if is_full else "cannot write to its disk" if is_broken else "answers"
    version = str(info.get("valkey_version") or info.get("redis_version", ""))
    return Part("redis", not (is_full or is_broken), text, version=version)


def database_part(heartbeats: list[Aged]) -> Part:
    """Return whether the database takes writes; tried every few seconds, however often somebody asks."""
    if not any(timedelta(0) <= age < PROBE_EVERY for _, age in heartbeats):
        try:
            with short_lock_wait():
                record_heartbeat("database")
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
        before = cursor.execute("PRAGMA busy_timeout").fetchone()[0]
        cursor.execute("PRAGMA busy_timeout = 2000")
        try:
            yield
        finally:
            cursor.execute(f"PRAGMA busy_timeout = {before}")
