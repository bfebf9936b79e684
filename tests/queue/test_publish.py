"""Publishing reaches the broker. Without one it returns False, and no click waits for it again for 5 s."""

import time

import pytest
from celery import Celery

from portal.queue import publish as publishing
from portal.queue.broker import broker_client, queue_length
from portal.queue.publish import publish
from portal.queue.routes import ACT


@pytest.fixture(autouse=True)
def empty_queue(monkeypatch):
    monkeypatch.setattr(publishing, "_failed_at", 0.0)
    broker_client().delete(ACT)
    yield
    broker_client().delete(ACT)


@pytest.fixture
def broker_away(monkeypatch, tmp_path):
    """Let the app publish to a socket without a server; return a function that brings the broker back."""
    away = Celery("away", broker=f"redis+socket://{tmp_path}/none", set_as_current=False)
    away.conf.broker_transport_options = publishing.app.conf.broker_transport_options
    app = publishing.app
    monkeypatch.setattr(publishing, "app", away)
    return lambda: monkeypatch.setattr(publishing, "app", app)


def test_a_published_task_waits_in_the_queue():
    assert publish("operations.run") is True

    assert queue_length(ACT) == 1


def test_a_broker_that_is_away_raises_nothing(broker_away):
    assert publish("operations.run") is False


def test_after_a_failure_publishing_rests_for_five_seconds_and_works_again(broker_away, monkeypatch):
    bring_back = broker_away
    publish("operations.run")
    bring_back()

    assert publish("operations.run") is False
    assert queue_length(ACT) == 0

    monkeypatch.setattr(publishing, "_failed_at", time.monotonic() - publishing.QUIET_SECONDS)
    assert publish("operations.run") is True
    assert queue_length(ACT) == 1
