"""Publishing reaches the broker. Without one it returns False, and no click waits for it again for 5 s."""

import time

import pytest
from celery import Celery

from portal.queue import publish as publishing
from portal.queue.broker import broker_client, queue_length
from portal.queue.publish import publish


@pytest.fixture(autouse=True)
def empty_queue(monkeypatch):
    monkeypatch.setattr(publishing, "_failed_at", 0.0)
    broker_client().delete("act", "read", "tick")
    yield
    broker_client().delete("act", "read", "tick")


@pytest.fixture
def broker_away(monkeypatch, tmp_path):
    """Let the app publish to a socket without a server; return a function that brings the broker back."""
    away = Celery("away", broker=f"redis+socket://{tmp_path}/none", set_as_current=False)
    away.conf.broker_transport_options = publishing.app.conf.broker_transport_options
    app = publishing.app
    monkeypatch.setattr(publishing, "app", away)
    return lambda: monkeypatch.setattr(publishing, "app", app)


def test_a_published_task_waits_in_the_queue():
    assert publish("health.tidy") is True

    assert queue_length("tick") == 1


def test_a_broker_that_is_away_raises_nothing(broker_away):
    assert publish("health.tidy") is False


def test_after_a_failure_publishing_rests_for_five_seconds_and_works_again(broker_away, monkeypatch):
    bring_back = broker_away
    publish("health.tidy")
    bring_back()

    assert publish("health.tidy") is False
    assert queue_length("tick") == 0

    monkeypatch.setattr(publishing, "_failed_at", time.monotonic() - publishing.QUIET_SECONDS)
    assert publish("health.tidy") is True
    assert queue_length("tick") == 1


@pytest.mark.parametrize(
    ("task", "queue"),
    [
        ("operations.run", "act"),
        ("fleet.sync", "read"),
        ("logs.harvest", "read"),
        ("operations.sweep", "tick"),
    ],
)
def test_a_task_waits_in_the_queue_that_promises_what_it_needs(task, queue):
    publish(task, 1)

    assert {name: queue_length(name) for name in ("act", "read", "tick")} == {
        **dict.fromkeys(("act", "read", "tick"), 0),
        queue: 1,
    }
