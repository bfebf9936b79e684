"""A client of the broker for questions that are no tasks: does it answer, how many messages wait."""

from functools import cache

import redis
from django.conf import settings


@cache
def broker_client() -> redis.Redis:
    """Return this process's client of the broker; it gives up after a second."""
    url = settings.BROKER_URL.replace("redis+socket://", "unix://")
    return redis.Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1, retry=None)


def queue_length(queue: str) -> int | None:
    """Return how many messages wait in `queue`, or None when the broker does not say."""
    try:
        return int(broker_client().llen(queue))  # type: ignore[arg-type]
    except (redis.RedisError, OSError):
        return None
