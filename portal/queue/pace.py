"""Whether something is under way, so that beat looks each second for what is due, and more rarely at rest.

The workers know it from the database and note it in the broker, where beat reads it: beat has no rights in
the database. The note ends by itself. When it is lost, the next task that looks for due work writes it again.
"""

from datetime import datetime
from typing import Any

import redis
import structlog
from celery.schedules import schedstate, schedule

from portal.queue.broker import broker_client

log = structlog.get_logger(__name__)
NOTE = "portal-under-way"
NOTE_SECONDS = 15


class PacedSchedule(schedule):  # type: ignore[misc]
    """Every `seconds` while something is under way, otherwise every `at_rest` seconds."""

    def __init__(self, seconds: float, at_rest: float) -> None:
        super().__init__(seconds)
        self.at_rest = schedule(at_rest)

    def is_due(self, last_run_at: datetime) -> Any:
        """Return whether the task is to be sent now, and in how many seconds to ask again."""
        state = super().is_due(last_run_at)
        if state.is_due and not self.at_rest.is_due(last_run_at).is_due and not is_under_way():
            return schedstate(is_due=False, next=self.seconds)
        return state


def note_under_way() -> None:
    """Note for the next NOTE_SECONDS that something is under way."""
    try:
        broker_client().set(NOTE, 1, ex=NOTE_SECONDS)
    except (redis.RedisError, OSError) as error:
        log.warning("pace_not_noted", error=type(error).__name__)


def is_under_way() -> bool:
    """Return whether something is noted; True when the broker does not say."""
    try:
        return bool(broker_client().exists(NOTE))
    except (redis.RedisError, OSError):
        return True
