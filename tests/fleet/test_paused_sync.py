"""Syncs while Roboflow is silent or wants to be left alone: nothing is sent, nothing fails, pages say why."""

from datetime import timedelta

import pytest
import time_machine
from django.utils.timezone import now

from deployments.fleet.models import Deployment
from deployments.workspaces.models import Workspace


@pytest.fixture
def portal_clock():
    """The portal's clock: `shift(seconds)` moves it."""
    with time_machine.travel(now(), tick=False) as clock:
        yield clock


def test_while_a_region_is_silent_syncs_wait_without_failing(
    short_timeouts, fleet, worker, sandbox, portal_clock, ana
):
    portal_clock.shift(10)
    sandbox.silence("/list")
    failures, calls = worker.sync().sync_failures, sandbox.call_count("/list")

    for _ in range(4):
        portal_clock.shift(1)
        paused = worker.sync()

    page = ana.get("/w/acme-vision/").content.decode()
    assert sandbox.call_count("/list") == calls
    assert paused.sync_failures == failures == 1
    assert timedelta(seconds=0) < paused.sync_due_at - now() <= timedelta(seconds=5)
    assert "Roboflow silent for" in page and "tries again with one call at a time" in page


def test_the_sync_that_finds_the_region_answering_ends_the_pause(
    short_timeouts, fleet, worker, sandbox, portal_clock
):
    portal_clock.shift(10)
    sandbox.silence("/list")
    worker.sync()
    paused = worker.sync()
    revision = paused.revision
    sandbox.heal("/list")
    portal_clock.move_to(paused.sync_due_at)

    workspace = worker.sync()

    assert (workspace.sync_failures, workspace.sync_error_reading) == (0, "")
    assert workspace.sync_failed_since is None and workspace.synced_at == now()
    assert workspace.revision > revision


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_a_retry_after_of_any_read_is_obeyed_by_syncs(form, fleet, worker, sandbox, portal_clock, ana):
    sandbox.limit_rate("/list", retry_after=120, form=form, count=1)
    worker.sync()
    calls = sandbox.call_count()

    portal_clock.shift(115)
    failures_while_waiting = worker.sync().sync_failures
    calls_while_waiting = sandbox.call_count() - calls
    page = ana.get("/w/acme-vision/").content.decode()
    portal_clock.shift(10)
    workspace = worker.sync()

    assert (calls_while_waiting, failures_while_waiting) == (0, 1)
    assert "Roboflow asks the portal to wait until" in page
    assert (workspace.sync_failures, workspace.synced_at) == (0, now())


def test_the_first_sync_of_a_workspace_says_why_it_waits(workspace, worker, sandbox, ana):
    Workspace.objects.update(patience_until=now() + timedelta(seconds=60))

    worker.sync()

    page = ana.get("/w/acme-vision/").content.decode()
    assert "Roboflow asks the portal to wait until" in page
    assert "It keeps trying" in page
    assert Workspace.objects.get().sync_failures == 0


def test_a_pause_in_the_middle_of_a_sync_calls_nothing_gone(fleet, worker, sandbox):
    sandbox.change("pallet-counter", action="vanish")
    sandbox.change("night-shift", action="vanish")
    sandbox.limit_rate("/get", retry_after=120, count=1)
    since = sandbox.last_call()

    workspace = worker.sync()

    missing = Deployment.objects.filter(gone_at=None).exclude(missing_since=None)
    assert missing.count() == 2 and workspace.sync_failures == 0
    assert sandbox.call_count("/get", since=since) == 1
