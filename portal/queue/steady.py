"""A worker that survives a short silence of Redis, and a beat that survives clocks and long outages.

kombu (5.7.0, pinned in requirements.txt) forgets a delivered message only when Redis took its
acknowledgement. If that times out, the message stays counted against the prefetch limit; after as many
time-outs as the worker has slots it fetches nothing any more, and logs nothing. Here the message is forgotten
either way. Redis delivers it again after the visibility timeout, which is harmless: every task is safe to
repeat. Reported in similar form as celery#8030 and kombu#1816. `tests/queue/test_steady.py` fails when kombu
no longer needs this, or no longer uses it.
"""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any, ClassVar

import structlog
from celery.beat import Scheduler
from kombu.transport import redis, virtual

log = structlog.get_logger(__name__)
MAX_WAITING = 50  # messages in a queue, above which beat adds none


class SteadyQoS(redis.QoS):  # type: ignore[misc]
    """Counts a message as done even when Redis did not receive its acknowledgement."""

    def ack(self, delivery_tag: str) -> None:
        """Acknowledge; an error of Redis still reaches kombu, which logs it."""
        try:
            super().ack(delivery_tag)
        finally:
            virtual.QoS.ack(self, delivery_tag)


def install_steady_qos() -> None:
    """Make kombu's Redis channels use SteadyQoS."""
    redis.Channel.QoS = SteadyQoS


class SteadyScheduler(Scheduler):  # type: ignore[misc]
    """A schedule of intervals that is not kept on disk.

    Every task is due when beat starts, and when the clock was set back, instead of at a time of the old
    clock. Messages have no expiry, because that compares the clocks of two hosts: beat sends nothing into a
    queue that nobody empties.
    """

    JUMP_SECONDS = 5
    SHORT_SECONDS = 0.01
    on_tick: ClassVar[Callable[[], None]] = staticmethod(lambda: None)  # called at each tick: beat is alive
    queue_length: ClassVar[Callable[[str], int | None]] = staticmethod(lambda queue: None)
    last_tick = 0.0

    def setup_schedule(self) -> None:
        """Fill the schedule."""
        super().setup_schedule()
        self.make_due()

    def make_due(self) -> None:
        """Make every task due now: its last run was a day ago, longer than any interval."""
        for entry in self.schedule.values():
            entry.last_run_at = self.app.now() - timedelta(days=1)
        self._heap = None  # Scheduler fills it from the entries

    def tick(self, *args: Any, **kwargs: Any) -> Any:
        """Send what is due; return the seconds until the next task.

        Celery (5.7.0, pinned) looks at a task some milliseconds too early, and then again and again without
        a pause until it is due: three hundred times a second. The pause is here.
        """
        started = time.time()
        if started < self.last_tick - self.JUMP_SECONDS:
            self.make_due()
        self.last_tick = started
        type(self).on_tick()
        delay = super().tick(*args, **kwargs)
        return delay if delay >= 0 else self.SHORT_SECONDS

    def apply_async(self, entry: Any, *args: Any, **kwargs: Any) -> Any:
        """Send one task, unless its queue holds so many messages that nobody seems to take them."""
        queue = entry.options.get("queue", "")
        waiting = type(self).queue_length(queue)
        if waiting is not None and waiting > MAX_WAITING:
            log.warning("queue_not_emptied", queue=queue, waiting=waiting, task=entry.task)
            return None
        return super().apply_async(entry, *args, **kwargs)
