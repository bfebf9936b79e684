"""Publish a task by its name, with ids only. It never raises: the sweep finds what was not published."""

import time
from typing import Any

import structlog

from portal.celery import app

log = structlog.get_logger(__name__)
QUIET_SECONDS = 5.0  # after a failure, the next clicks do not wait as well
_failed_at = 0.0


def publish(task: str, *ids: Any, after_seconds: float = 0) -> bool:
    """Send `task` with `ids` into its queue, to run after some seconds; return whether the broker took it.

    It waits about a second at most, and after a failure not at all for QUIET_SECONDS. Callers need not care
    for the answer: what must happen is stored in the database first, and periodic tasks look there.
    """
    global _failed_at
    if time.monotonic() - _failed_at < QUIET_SECONDS and _failed_at:
        return False
    try:
        app.send_task(
            task,
            args=[str(one) for one in ids],
            countdown=min(after_seconds, 60) or None,
            retry=False,
            ignore_result=True,
        )
    except Exception as error:  # noqa: BLE001 - kombu, redis and socket errors have no common ancestor
        _failed_at = time.monotonic()
        log.warning("publish_failed", task=task, error=type(error).__name__)
        return False
    _failed_at = 0.0
    return True
