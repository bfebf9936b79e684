"""From publishing a task to its first line, through the real broker."""

import time

from celery import Celery
from celery.contrib.testing.worker import start_worker

from tests.benchmarks.report import late

COUNT = 200


def test_start(measure, stock):
    from portal.celery import app
    from portal.queue.broker import broker_client
    from portal.queue.publish import publish
    from portal.queue.routes import CONCURRENCY, TICK

    broker_client().delete(TICK)  # what other benchmarks published
    bench = Celery("bench", broker=app.conf.broker_url, set_as_current=False)
    bench.conf.update({name: app.conf[name] for name in ("broker_transport_options", "task_default_queue")})
    bench.conf.update(task_acks_late=True, worker_prefetch_multiplier=1, worker_enable_remote_control=False)
    waits: list[float] = []

    @bench.task(name="bench.note")
    def note(sent):
        waits.append(time.perf_counter() - float(sent))

    options = {"pool": "threads", "concurrency": CONCURRENCY[TICK], "perform_ping_check": False}
    with start_worker(bench, loglevel="WARNING", **options):
        for number in range(COUNT + 1):
            assert publish("bench.note", time.perf_counter())
            deadline = time.monotonic() + 5
            while len(waits) <= number and time.monotonic() < deadline:
                time.sleep(0.005)
    assert len(waits) == COUNT + 1
    slow = 1000 * late(waits[1:])  # without the first, which connects
    measure("From publishing a task to its start, p95", goal=15, figure=slow, unit="ms")
