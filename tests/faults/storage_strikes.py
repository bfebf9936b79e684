"""Strikes at what stores: broker, database, disk."""

import random
from contextlib import suppress

import redis

from tests.faults.database import Heal, full
from tests.faults.running_portal import RunningPortal
from tests.faults.strike import Act, nothing, once
from tests.portal_process import WORKERS


def broker_client(running: RunningPortal) -> redis.Redis:
    """Return a client of the portal's broker."""
    return redis.Redis(unix_socket_path=running.broker_socket(), socket_timeout=3)


def broker_wiped(running: RunningPortal, rng: random.Random) -> Heal:
    """Delete all that the broker holds."""
    with suppress(redis.RedisError):
        broker_client(running).flushall()
    return nothing


def broker_full(running: RunningPortal, rng: random.Random) -> Heal:
    """Fill the broker's memory: it refuses every write."""
    client = broker_client(running)

    def limit(size: str) -> None:
        with suppress(redis.RedisError):
            client.config_set("maxmemory", size)

    limit("1")
    return lambda: limit("0")


def on_database(method: str) -> Act:
    """Call a method of the database under test; meanwhile pages may answer 5xx."""

    def act(running: RunningPortal, rng: random.Random) -> Heal:
        running.is_database_away = True
        heal_database = getattr(running.database, method)()

        def heal() -> None:
            if heal_database:
                heal_database()
            running.is_database_away = False

        return once(heal)

    return act


def disk_full(running: RunningPortal, rng: random.Random) -> Heal:
    """Keep web and worker from writing to any file."""
    running.is_database_away = True
    heal_processes = full([pid for part in ("web", *WORKERS) for pid in running.family_of(part)])

    def heal() -> None:
        heal_processes()
        running.is_database_away = False

    return heal
