"""Looks while Roboflow is silent or wants to be left alone: they ask nothing, and go on afterwards."""

import time
from datetime import timedelta

import pytest
from django.utils.timezone import now

from deployments.ledger.models import Operation
from deployments.operations.reconcile import look_at_operation
from deployments.operations.resolve import perform_check, request_check
from deployments.workspaces.models import Workspace
from tests.people import operation_of


@pytest.fixture
def unknown(ana, fleet, worker, sandbox):
    """A pause that Roboflow performed, but whose answer was lost."""
    sandbox.fault("/pause", "reset_after", 1)
    operation = operation_of(ana.ask(fleet["pallet-counter"], "pause"))
    worker.run()
    operation.refresh_from_db()
    assert operation.state == "unknown"
    while "paused" not in status_at_roboflow(sandbox):
        time.sleep(0.05)
    return operation


def status_at_roboflow(sandbox):
    listed = sandbox.listed("sandbox-key-ana")
    return next(one["status"] for one in listed if one["deployment_name"] == "pallet-counter")


def look(operation):
    Operation.objects.filter(pk=operation.pk).update(next_look_at=now())
    look_at_operation(operation.pk)
    operation.refresh_from_db()


def be_patient(seconds):
    Workspace.objects.update(patience_until=now() + timedelta(seconds=seconds))


def test_a_look_asks_nothing_before_a_retry_after_is_over(unknown, sandbox):
    be_patient(60)
    since = sandbox.last_call()

    look(unknown)

    assert sandbox.call_count(since=since) == 0
    assert unknown.state == "unknown"
    assert "Roboflow asks the portal to wait until" in unknown.message
    assert timedelta(seconds=0) < unknown.next_look_at - now() <= timedelta(seconds=5)


def test_the_retry_after_of_a_look_is_obeyed_by_the_next_look_and_by_the_sync(unknown, worker, sandbox):
    sandbox.limit_rate("/get", retry_after=60, count=1)
    look(unknown)
    since = sandbox.last_call()

    look(unknown)
    worker.sync()

    assert sandbox.call_count(since=since) == 0


def test_afterwards_the_look_finds_out_what_happened(unknown, worker):
    be_patient(60)
    look(unknown)
    be_patient(0)

    look(unknown)

    assert unknown.state == "succeeded"


def test_a_look_that_is_paused_until_the_window_ends_needs_attention(unknown, end_window):
    be_patient(600)
    end_window(unknown)

    look(unknown)

    assert unknown.state == "needs_attention"


def test_a_look_waits_while_the_region_is_silent(short_timeouts, unknown, worker, sandbox):
    sandbox.silence("/list", "/get")
    worker.sync()
    since = sandbox.last_call()

    look(unknown)

    assert sandbox.call_count(since=since) == 0
    assert "tries again with one call at a time" in unknown.message


def test_what_a_person_asks_to_check_again_is_asked_at_once(ana, unknown, worker, sandbox, end_window):
    be_patient(600)
    end_window(unknown)
    look(unknown)
    request_check(unknown, user_id=ana.user.pk, now=now())

    perform_check(unknown.pk, now=now())

    unknown.refresh_from_db()
    assert unknown.resolved_at is not None
