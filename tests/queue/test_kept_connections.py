"""Tasks keep the database connection of their thread, and get another one when it no longer works."""

import time
from types import SimpleNamespace

import pytest
from celery import Celery
from celery.fixups.django import DjangoWorkerFixup
from celery.signals import task_prerun
from django.db import connection, connections

from portal.celery import app
from portal.queue.kept_connections import check_connection

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def closings(monkeypatch):
    """How often the open connection was closed. The one of a test in memory closes never."""
    calls = []
    connection.ensure_connection()
    monkeypatch.setitem(connection.settings_dict, "CONN_MAX_AGE", 600)
    monkeypatch.setattr(connections["default"], "close_at", None, raising=False)
    monkeypatch.setattr(type(connections["default"]), "close", lambda self: calls.append(self))
    return calls


def run_around_a_task(celery_app):
    """Do what Celery's worker does before and after a task."""
    fixup, task = DjangoWorkerFixup(celery_app), SimpleNamespace(request=SimpleNamespace(is_eager=False))
    fixup.on_task_prerun(task)
    check_connection()
    fixup.on_task_postrun(task)


def test_the_connection_is_open_before_and_after_a_task(closings):
    run_around_a_task(app)

    assert closings == []


def test_celery_alone_closes_it(closings):
    run_around_a_task(Celery("alone", set_as_current=False))

    assert closings


def test_the_check_is_made_before_each_task():
    assert check_connection in [receiver for _, receiver in task_prerun.receivers]


@pytest.mark.parametrize("reason", ["it is old", "it failed and does not work"])
def test_a_connection_that_is_old_or_broken_is_closed(reason, closings, monkeypatch):
    if reason == "it is old":
        monkeypatch.setattr(connections["default"], "close_at", time.monotonic() - 1)
    else:
        monkeypatch.setattr(connections["default"], "errors_occurred", True)
        monkeypatch.setattr(connections["default"], "is_usable", lambda: False)

    run_around_a_task(app)

    assert closings
