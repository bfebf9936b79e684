"""Workers outlive a silence of the broker beyond their time-out; beat and leases outlive a clock set back."""

import signal
import subprocess
from contextlib import suppress
from datetime import timedelta

import pytest
import time_machine
from celery import Celery
from django.utils.timezone import now
from kombu import Connection, Consumer, Queue
from kombu.transport import redis

from portal.queue import steady
from portal.queue.lease import take_lease
from portal.supervisor.broker import broker_binary, broker_command
from tests.portal_process import until

TIMEOUT_SECONDS = 0.5


@pytest.fixture
def broker(tmp_path):
    """Return the process and the socket of a broker that the test may stop."""
    path = tmp_path / "broker.sock"
    command = broker_command(broker_binary(), folder=tmp_path, socket=path)
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    until(path.exists)
    yield process, path
    process.send_signal(signal.SIGCONT)
    process.kill()
    process.wait()


def received_after_a_lost_acknowledgement(process, path):
    """Receive a message with one slot, lose its acknowledgement to a silence, wait for the next message."""
    received = []
    options = {"socket_timeout": TIMEOUT_SECONDS, "max_retries": 0, "retry_policy": {"max_retries": 0}}
    with Connection(f"redis+socket://{path}", transport_options=options) as connection:
        for number in (1, 2):
            connection.SimpleQueue("work").put(number)
        with Consumer(
            connection.channel(),
            [Queue("work")],
            callbacks=[lambda body, message: received.append(message)],
            prefetch_count=1,
            accept=["json"],
        ):
            connection.drain_events(timeout=5)
            process.send_signal(signal.SIGSTOP)
            with pytest.raises(connection.connection_errors):
                received[0].ack()
            process.send_signal(signal.SIGCONT)
            with suppress(TimeoutError, *connection.connection_errors):
                connection.drain_events(timeout=3)
    return [message.payload for message in received]


def test_a_lost_acknowledgement_costs_no_slot(broker):
    assert redis.Channel.QoS is steady.SteadyQoS

    assert received_after_a_lost_acknowledgement(*broker) == [1, 2]


def test_kombu_alone_loses_the_slot(broker, monkeypatch):
    monkeypatch.setattr(redis.Channel, "QoS", redis.QoS)

    assert received_after_a_lost_acknowledgement(*broker) == [1]


@pytest.fixture
def beat():
    """Return a scheduler of two tasks, its clock, and the list of what it sends."""
    app = Celery("test", broker="memory://", set_as_current=False)
    app.conf.beat_schedule = {
        "tick": {"task": "tick", "schedule": 1.0},
        "tidy": {"task": "tidy", "schedule": 3600.0},
    }
    sent = []
    with time_machine.travel("2026-03-01T12:00:00Z", tick=False) as clock:
        scheduler = steady.SteadyScheduler(app, lazy=False)
        scheduler.apply_async = lambda entry, **_: sent.append(entry.task)
        yield scheduler, clock, sent


def tick_all(scheduler):
    """Let the scheduler send all that is due: a tick sends one task, and Celery adds a task of its own."""
    for _ in range(4):
        scheduler.tick()


def test_a_beat_sends_everything_as_soon_as_it_starts_and_then_by_the_clock(beat):
    scheduler, clock, sent = beat

    tick_all(scheduler)
    at_once = sorted(task for task in sent if not task.startswith("celery."))
    clock.shift(1.5)
    tick_all(scheduler)

    assert at_once == ["tick", "tidy"]
    assert sent.count("tick") == 2
    assert sent.count("tidy") == 1


def test_a_beat_whose_clock_is_set_back_goes_on_at_once(beat):
    scheduler, clock, sent = beat
    tick_all(scheduler)
    sent.clear()

    clock.shift(-3600)
    tick_all(scheduler)

    assert {"tick", "tidy"} <= set(sent)


def test_a_lease_of_a_clock_that_was_set_back_is_free(db):
    current_time = now()
    assert take_lease("subject", seconds=30, now=current_time)
    assert take_lease("subject", seconds=30, now=current_time) is None

    assert take_lease("subject", seconds=30, now=current_time - timedelta(hours=2))


def test_a_beat_asks_seldom_whether_a_task_is_due(beat):
    scheduler, clock, _ = beat
    tick_all(scheduler)
    delays = []

    for _ in range(200):
        delay = scheduler.tick()
        delays.append(delay)
        clock.shift(delay or 0.0001)

    assert min(delays) >= 0
    assert sum(delays) > 40  # seconds


def test_celery_alone_asks_without_a_pause(beat, monkeypatch):
    monkeypatch.setattr(steady.SteadyScheduler, "SHORT_SECONDS", -0.001)
    scheduler, clock, _ = beat
    tick_all(scheduler)
    delays = []

    for _ in range(20):
        delays.append(scheduler.tick())
        clock.shift(max(delays[-1], 0.0001))

    assert min(delays) < 0
