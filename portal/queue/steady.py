"""A worker that outlives a short silence of Redis, and a beat that outlives a clock that is set back.

kombu forgets a delivered message only when Redis took its acknowledgement. If that times out, the message stays counted against the prefetch limit for good;
after as many such time-outs as the worker has slots it fetches nothing any more, and says nothing (seen with kombu 5.7.0: Redis silent for two seconds).
Here the message is forgotten either way. Redis gives it out again after the visibility timeout, which is harmless: every task is.
"""

import time
from datetime import timedelta
from typing import Any

from celery.beat import Scheduler
from kombu.transport import redis, virtual


class SteadyQoS(redis.QoS):  # type: ignore[misc]
    """Counts a message as done even when Redis did not hear of it."""

    def ack(self, delivery_tag: str) -> None:
        """Acknowledge; the error of Redis still reaches kombu, which logs it."""
        try:
            super().ack(delivery_tag)
        finally:
            virtual.QoS.ack(self, delivery_tag)


def install_steady_qos() -> None:
    """Let kombu's Redis channels count this way."""
    redis.Channel.QoS = SteadyQoS


class SteadyScheduler(Scheduler):  # type: ignore[misc]
    """Keeps no schedule on disk: all of ours are intervals. Everything is due when it starts - after a silence, and for a beat that never lives for an hour -
    and when the clock was set back, instead of waiting for the old time."""

    JUMP_SECONDS = 5
    seen = 0.0

    def setup_schedule(self) -> None:
        """Fill the schedule."""
        super().setup_schedule()
        self.make_due()

    def make_due(self) -> None:
        """Let every task be due now: the last time was a day ago, longer than any interval."""
        for entry in self.schedule.values():
            entry.last_run_at = self.app.now() - timedelta(days=1)
        self._heap = None  # Scheduler fills it from the entries

    def tick(self, *args: Any, **kwargs: Any) -> Any:
        """Send what is due, return the seconds until the next."""
        moment = time.time()
        if moment < self.seen - self.JUMP_SECONDS:
            self.make_due()
        self.seen = moment
        return super().tick(*args, **kwargs)
