"""The heartbeat of a worker or of beat: a thread writes a row while the process's main loop is alive.

No queued task writes it, so that a full queue or a dead beat condemns no worker; and the thread stops writing
when the main loop hangs, so that a process that only looks alive does not pass for one. A file beside the row
lets a container's health check see the same without starting Django.
"""

import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
from celery import bootsteps
from celery.signals import beat_init
from django.conf import settings
from django.db import Error, connection

from portal import clock
from portal.queue.broker import queue_length
from portal.queue.steady import SteadyScheduler

log = structlog.get_logger(__name__)
BEAT_SECONDS = 5.0
STALLED_SECONDS = 10.0  # a main loop that did not tick for so long is not alive


class Pulse:
    """Writes the heartbeat of `part` (worker-act, beat...) for this host until it is stopped."""

    def __init__(self, part: str) -> None:
        self.part, self.host = part, socket.gethostname()
        self.last_tick = time.monotonic()
        self.ended = threading.Event()

    def tick(self) -> None:
        """Note that the main loop is alive."""
        self.last_tick = time.monotonic()

    def start(self) -> None:
        """Start the thread."""
        threading.Thread(target=self.run, name=f"pulse {self.part}", daemon=True).start()

    def run(self) -> None:
        """Write a heartbeat every few seconds."""
        while True:
            if time.monotonic() - self.last_tick < STALLED_SECONDS:
                self.write()
            if self.ended.wait(BEAT_SECONDS):
                return

    def write(self) -> None:
        """Write the row and the file, and measure the host's clock against the database's.

        The connection is kept. When it fails, it is tried again with a new one: the database may have been
        restarted since the last heartbeat.
        """
        for is_last in (False, True):
            try:
                clock.measure_offset()
                heartbeat_writers.record(self.part, self.host)
                touch_pulse_file(self.part)
                return
            except (Error, OSError) as error:
                connection.close()
                if is_last:
                    log.warning("heartbeat_not_written", part=self.part, error=type(error).__name__)

    def stop(self) -> None:
        """Stop, and remove the row: a process that ended on purpose is not missing."""
        self.ended.set()
        with suppress(Error):
            heartbeat_writers.remove(self.part, self.host)


@dataclass
class HeartbeatWriters:
    """How a heartbeat (part, host) is written and removed, filled in by the health room."""

    record: Callable[[str, str], None] = lambda part, host: None
    remove: Callable[[str, str], None] = lambda part, host: None


heartbeat_writers = HeartbeatWriters()


def touch_pulse_file(part: str) -> None:
    """Mark in the pulse folder that `part` was alive now."""
    folder = Path(settings.PULSE_FOLDER)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    (folder / part).touch()


class ConsumerPulse(bootsteps.StartStopStep):  # type: ignore[misc]
    """Starts with a worker's consumer and makes its event loop tick; its timers end with the connection."""

    requires = ("celery.worker.consumer.tasks:Tasks",)
    pulse: Pulse | None = None

    def start(self, consumer: Any) -> None:
        """Begin, or go on after a lost connection."""
        cls = type(self)
        if cls.pulse is None:
            queues = sorted(queue.name for queue in consumer.task_consumer.queues)
            cls.pulse = Pulse("-".join(["worker", *queues]))
            cls.pulse.start()
        cls.pulse.tick()
        consumer.timer.call_repeatedly(1.0, cls.pulse.tick)

    def shutdown(self, consumer: Any) -> None:
        """End with the worker."""
        if self.pulse:
            self.pulse.stop()


@beat_init.connect
def start_beat_pulse(**_kwargs: Any) -> None:
    """Let beat write its heartbeat, and look at the queues before it fills them."""
    pulse = Pulse("beat")
    SteadyScheduler.on_tick = staticmethod(pulse.tick)
    SteadyScheduler.queue_length = staticmethod(queue_length)
    pulse.start()
