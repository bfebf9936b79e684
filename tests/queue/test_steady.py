"""A worker goes on after a silence of the broker that was longer than its patience."""

import signal
import subprocess
import time
from datetime import timedelta

import pytest
import time_machine
from celery import Celery
from django.utils.timezone import now
from kombu import Connection, Consumer, Queue
from kombu.transport import redis

from portal.queue import steady
from portal.queue.lease import holding_lease, take_lease
from portal.supervisor.broker import broker_binary, broker_command
from tests.portal_process import until

PATIENCE_SECONDS = 0.5


@pytest.fixture
def broker(tmp_path):
    path = tmp_path / "broker.sock"
    process = subprocess.Popen(
        broker_command(broker_binary(), folder=tmp_path, socket=path), stdout=subprocess.DEVNULL
    )
    until(path.exists)
    yield process, path
    process.send_signal(signal.SIGCONT)
    process.kill()
    process.wait()


def received_after_a_lost_acknowledgement(process, path):
    """Take a message with one slot, lose its acknowledgement to a silence, wait for the next message."""
    got = []
    options = {"socket_timeout": PATIENCE_SECONDS, "max_retries": 0, "retry_policy": {"max_retries": 0}}
    with Connection(f"redis+socket://{path}", transport_options=options) as connection:
        queue = Queue("work")
        for number in (1, 2):
            connection.SimpleQueue("work").put(number)
        with Consumer(
            connection.channel(),
            [queue],
            callbacks=[lambda body, message: got.append(message)],
            prefetch_count=1,
            accept=["json"],
        ):
            connection.drain_events(timeout=5)
            process.send_signal(signal.SIGSTOP)
            with pytest.raises(connection.connection_errors):
                got[0].ack()
            process.send_signal(signal.SIGCONT)
            try:
                connection.drain_events(timeout=3)
            except (TimeoutError, *connection.connection_errors):
                pass
    return [message.payload for message in got]


def test_a_lost_acknowledgement_costs_no_slot(broker):
    assert redis.Channel.QoS is steady.SteadyQoS

    assert received_after_a_lost_acknowledgement(*broker) == [1, 2]


def test_without_this_the_slot_is_lost(broker, monkeypatch):
    monkeypatch.setattr(redis.Channel, "QoS", redis.QoS)

    assert received_after_a_lost_acknowledgement(*broker) == [1]


@pytest.fixture
def beat():
    """A scheduler of two tasks, and what it sent."""
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


def test_a_beat_sends_everything_as_soon_as_it_starts_and_then_by_the_clock(beat):
    scheduler, clock, sent = beat

    for _ in range(4):
        scheduler.tick()
    at_once = sorted(task for task in sent if not task.startswith("celery."))
    clock.shift(1.5)
    for _ in range(4):
        scheduler.tick()

    assert at_once == ["tick", "tidy"]
    assert sent.count("tick") == 2 and sent.count("tidy") == 1


def test_a_beat_whose_clock_is_set_back_goes_on_at_once(beat):
    scheduler, clock, sent = beat
    for _ in range(4):
        scheduler.tick()
    sent.clear()

    clock.shift(-3600)
    for _ in range(4):
        scheduler.tick()

    assert {"tick", "tidy"} <= set(sent)


def test_a_lease_of_a_clock_that_was_set_back_is_free(db):
    moment = now()
    assert take_lease("thing", seconds=30, now=moment)
    assert take_lease("thing", seconds=30, now=moment) is None

    assert take_lease("thing", seconds=30, now=moment - timedelta(hours=2))


@pytest.mark.django_db(transaction=True)
def test_a_lease_lasts_as_long_as_its_holder_and_not_much_longer(transactional_db):
    with holding_lease("thing", now=now(), seconds=0.6) as held:
        assert held
        time.sleep(1.2)
        assert take_lease("thing", seconds=1, now=now()) is None

    lost = take_lease("other", seconds=0.3, now=now())  # its holder is killed
    assert lost and take_lease("other", seconds=1, now=now() + timedelta(seconds=0.4))
