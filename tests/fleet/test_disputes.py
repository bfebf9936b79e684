"""A list that contradicts what was just seen or brought about: `/get` decides, in the same sync."""

import time
from datetime import timedelta

import pytest
import time_machine
from django.utils.timezone import now

from deployments.fleet.models import Deployment
from deployments.ledger.models import Operation
from deployments.roboflow.transport import Answer
from tests.twisted import changed_one, with_field, without

TARGETS = {"pause": "pallet-counter", "resume": "night-shift", "delete": "pallet-counter"}
DONE = {"pause": "paused", "resume": "ready", "delete": "deleted"}
UNDONE = {"pause": "ready", "resume": "paused", "delete": "ready"}


@pytest.fixture
def change(ana, fleet, worker):
    """Bring a change about through the portal; return the deployment and the seconds since before it."""

    def bring_about(kind):
        started = time.monotonic()
        target = fleet[TARGETS[kind]]
        fields = {"confirm_name": target.deployment_name, "reason": "over"} if kind == "delete" else {}
        ana.ask(target, kind, **fields)
        worker.drain()
        assert Operation.objects.get().state == "succeeded"
        while shown(target) != DONE[kind]:  # a resumed one is pending at first
            worker.sync()
        return target, lambda: time.monotonic() - started + 0.05

    return bring_about


def shown(deployment):
    """Return what the page shows of a deployment: its status, or that it is gone."""
    row = Deployment.objects.get(pk=deployment.pk)
    return "deleted" if row.gone_at or row.status == "deleted" else row.status


def told_as_outside(trail):
    return [action for action in trail.actions() if action.endswith(".outside")]


@pytest.mark.parametrize("kind", TARGETS)
def test_a_list_from_before_our_change_takes_nothing_back(kind, change, worker, sandbox, trail):
    deployment, since = change(kind)
    sandbox.lag("/list", seconds=since())

    workspace = worker.sync()

    assert workspace.sync_failures == 0
    assert shown(deployment) == DONE[kind]
    assert told_as_outside(trail) == []


def test_a_list_from_before_our_delete_brings_nothing_back_that_get_does_not_know(
    change, worker, sandbox, twist, trail
):
    deployment, since = change("delete")
    sandbox.lag("/list", seconds=since())
    twist["/get"] = lambda answer: Answer(404, None, b"Deployment not found")

    worker.sync()

    assert shown(deployment) == "deleted"
    assert told_as_outside(trail) == []


@pytest.mark.parametrize("kind", ["pause", "resume"])
def test_a_get_from_before_our_change_takes_nothing_back(kind, change, worker, sandbox, trail):
    deployment, since = change(kind)
    sandbox.lag("/get", seconds=since())

    worker.sync()

    assert shown(deployment) == DONE[kind]
    assert told_as_outside(trail) == []


@pytest.mark.parametrize("kind", ["pause", "resume"])
def test_a_change_from_outside_right_after_ours_is_seen_by_the_next_sync(
    kind, change, worker, sandbox, trail
):
    deployment, _ = change(kind)
    sandbox.change(deployment.deployment_name, status=UNDONE[kind])

    worker.sync()

    assert shown(deployment) == UNDONE[kind]
    assert told_as_outside(trail) == [f"deployment.{'resume' if kind == 'pause' else 'pause'}.outside"]


@pytest.mark.parametrize("kind", ["pause", "resume"])
@pytest.mark.parametrize("lagging", ["/list", "/get"])
def test_a_change_from_outside_is_seen_when_the_lag_is_over_and_told_once(
    lagging, kind, change, worker, sandbox, trail
):
    deployment, _ = change(kind)
    sandbox.lag(lagging)  # it goes on to answer what is true now
    sandbox.change(deployment.deployment_name, status=UNDONE[kind])
    worker.sync()
    worker.sync()
    told_meanwhile = told_as_outside(trail)
    sandbox.heal(lagging)

    worker.sync()
    worker.sync()

    outside = [f"deployment.{'resume' if kind == 'pause' else 'pause'}.outside"]
    assert told_meanwhile in ([], outside)  # never both ways
    assert shown(deployment) == UNDONE[kind]
    assert told_as_outside(trail) == outside


def test_a_change_from_outside_during_a_create_is_not_hidden_by_it(ana, worker, sandbox, trail):
    worker.sync()
    ana.create("brand-new")
    worker.drain()
    sandbox.change("brand-new", status="paused")

    worker.sync()

    assert shown(Deployment.objects.get(deployment_name="brand-new")) == "paused"
    assert told_as_outside(trail) == ["deployment.pause.outside"]


def test_a_list_from_before_our_create_does_not_lose_it(ana, worker, sandbox, trail):
    worker.sync()
    sandbox.lag("/list")
    ana.create("brand-new")
    worker.run()  # Roboflow's answer names it; the list does not show it yet

    worker.sync()

    row = Deployment.objects.get(deployment_name="brand-new")
    assert (row.missing_since, row.gone_at) == (None, None)
    sandbox.heal("/list")
    worker.drain()
    assert Operation.objects.get().state == "succeeded"
    assert told_as_outside(trail) == []


@pytest.mark.parametrize("kind", ["pause", "resume"])
def test_while_get_is_silent_nothing_is_decided_and_the_sync_says_that_it_is_incomplete(
    kind, change, worker, sandbox, trail, short_timeout
):
    deployment, _ = change(kind)
    sandbox.change(deployment.deployment_name, status=UNDONE[kind])
    sandbox.silence("/get")
    worker.sync()
    undecided = shown(deployment)
    sandbox.heal()

    with time_machine.travel(now() + timedelta(seconds=6)):  # until then reading is paused
        worker.sync()

    assert undecided == DONE[kind]
    assert shown(deployment) == UNDONE[kind]
    assert len(told_as_outside(trail)) == 1


# A /get that is older than both what we know and the list decides nothing


@pytest.fixture
def resuming(ana, change, worker):
    """A deployment that we paused and resumed, still pending, and the seconds since it was paused."""
    deployment, _ = change("pause")
    paused_at = time.monotonic()
    time.sleep(0.2)
    ana.ask(deployment, "resume")
    worker.run()
    worker.sync()
    return deployment, lambda: time.monotonic() - paused_at - 0.1


def test_a_get_from_before_our_resume_is_no_pause_from_outside(resuming, worker, sandbox, trail):
    deployment, since_paused = resuming
    pending = shown(deployment)
    sandbox.change(deployment.deployment_name, status="ready")
    sandbox.lag("/get", seconds=since_paused())

    worker.sync()

    meanwhile = shown(deployment), told_as_outside(trail)
    sandbox.heal("/get")
    worker.sync()
    assert pending == "pending"
    assert meanwhile == ("pending", [])
    assert (shown(deployment), told_as_outside(trail)) == ("ready", [])


def test_a_get_from_before_our_resume_is_no_pause_from_outside_when_the_list_lacks_the_deployment(
    resuming, worker, sandbox, twist, trail
):
    deployment, since_paused = resuming
    twist["/list"] = without("pallet-counter")
    sandbox.lag("/get", seconds=since_paused())

    worker.sync()

    assert (shown(deployment), told_as_outside(trail)) == ("pending", [])


def test_a_get_from_before_our_pause_is_no_resume_from_outside_when_the_configuration_changes(
    change, worker, sandbox, twist, trail
):
    deployment, since = change("pause")
    twist["/list"] = changed_one("pallet-counter", domain="new.example")
    sandbox.lag("/get", seconds=since())

    worker.sync()

    meanwhile = shown(deployment), told_as_outside(trail)
    sandbox.heal("/get")
    twist["/get"] = with_field("domain", '"new.example"')
    worker.sync()
    assert meanwhile == ("paused", [])
    assert (shown(deployment), told_as_outside(trail)) == ("paused", ["deployment.change.outside"])


# Lists that answer from different moments, after a change from outside


@pytest.mark.parametrize("kind", TARGETS)
def test_a_change_from_outside_is_told_once_though_the_next_list_is_older(
    kind, ana, fleet, worker, sandbox, trail
):
    deployment, started = fleet[TARGETS[kind]], time.monotonic()
    sandbox.change(deployment.deployment_name, status=DONE[kind])
    worker.sync()
    for _ in range(2):
        sandbox.lag("/list", seconds=time.monotonic() - started + 0.05)
        worker.sync()
        sandbox.heal("/list")
        worker.sync()

    assert shown(deployment) == DONE[kind]
    assert len(told_as_outside(trail)) == 1


def test_a_configuration_from_outside_is_told_once_though_the_next_list_is_older(
    ana, fleet, worker, twist, trail
):
    twist["/list"] = changed_one("pallet-counter", domain="new.example")
    twist["/get"] = with_field("domain", '"new.example"')
    worker.sync()
    newer = twist.pop("/list")
    worker.sync()
    twist["/list"] = newer
    worker.sync()

    assert Deployment.objects.get(deployment_name="pallet-counter").domain == "new.example"
    assert told_as_outside(trail) == ["deployment.change.outside"]


def test_a_change_from_outside_that_is_taken_back_at_once_is_told_both_ways(
    ana, fleet, worker, sandbox, trail
):
    sandbox.change("pallet-counter", status="paused")
    worker.sync()
    sandbox.change("pallet-counter", status="ready")
    worker.sync()

    assert shown(fleet["pallet-counter"]) == "ready"
    assert told_as_outside(trail) == ["deployment.pause.outside", "deployment.resume.outside"]
