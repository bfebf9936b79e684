"""What Roboflow accepted settles from the list that is read anyway; a slow change costs next to no calls."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
import time_machine
from django.utils.timezone import now

from deployments.fleet.models import Deployment
from deployments.fleet.sync import publish_due_syncs
from deployments.ledger.models import Operation
from deployments.operations.reconcile import look_at_operation
from deployments.operations.settle import has_newer_list, settle_workspace
from deployments.operations.sweep import sweep_operations
from deployments.workspaces.models import Workspace
from tests.people import operation_of

READS = ("/list", "/get")


@pytest.mark.parametrize(
    ("kind", "name"), [("pause", "pallet-counter"), ("resume", "night-shift"), ("delete", "pallet-counter")]
)
def test_an_accepted_change_ends_with_the_list_and_without_a_get(kind, name, ana, fleet, worker, sandbox):
    fields = {"confirm_name": name, "reason": "over"} if kind == "delete" else {}
    operation = operation_of(ana.ask(fleet[name], kind, **fields))
    worker.run()
    gets = sandbox.call_count("/get")

    while not settle_workspace(worker.sync().pk, now=now()):
        pass

    operation.refresh_from_db()
    assert operation.state == "succeeded"
    lookups = 1 if kind == "delete" else 0  # the list lacks it: `/get` says whether it is gone
    assert sandbox.call_count("/get") - gets <= lookups


def test_a_list_from_before_the_acceptance_settles_nothing(ana, fleet, worker):
    Deployment.objects.filter(pk=fleet["pallet-counter"].pk).update(status="paused")
    operation = operation_of(ana.ask(fleet["pallet-counter"], "pause"))
    Operation.objects.filter(pk=operation.pk).update(state="accepted", accepted_at=now())

    assert settle_workspace(operation.workspace_id, now=now()) == 0


def test_a_create_that_roboflow_only_promised_is_not_called_done(ana, worker, sandbox, end_window, trail):
    """Its answer named a deployment, which is stored; but no list shows it."""
    worker.sync()
    sandbox.fault("/add", "ignored", 1)
    operation = operation_of(ana.create("promised"))
    worker.run()
    operation.refresh_from_db()
    accepted = operation.state

    for _ in range(3):
        worker.look()
    operation.refresh_from_db()
    waiting = operation.state
    end_window(operation)
    worker.look()

    operation.refresh_from_db()
    assert (accepted, waiting, operation.state) == ("accepted", "accepted", "needs_attention")
    assert sandbox.journal("/add") == []


def test_an_acceptance_makes_a_sync_due_at_once(ana, fleet, worker, published_tasks):
    ana.ask(fleet["pallet-counter"], "pause")
    Workspace.objects.update(sync_attempted_at=now() - timedelta(seconds=2))  # one list a second is enough
    published_tasks.clear()

    worker.run()

    assert ("fleet.sync", str(worker.workspace.pk)) in published_tasks


@pytest.mark.parametrize(("is_batch", "looks"), [(False, 1), (True, 0)])
def test_right_after_a_list_the_next_one_is_looked_for_as_soon_as_it_is_due(
    is_batch, looks, ana, fleet, worker, published_tasks
):
    """Beat looks for it, too, each second: that is soon enough for a batch, and much less work."""
    chosen = [fleet["pallet-counter"].deployment_id]
    token = {"form_token": str(uuid4())}
    if is_batch:
        ana.post("/w/acme-vision/operations/batch/", {"kind": "pause", "deployment": chosen} | token)
    else:
        ana.ask(fleet["pallet-counter"], "pause")
    Workspace.objects.update(sync_attempted_at=now(), sync_published_at=None)
    published_tasks.clear()

    worker.run()

    assert Operation.objects.get().state == "accepted"
    assert ("fleet.sync", str(worker.workspace.pk)) not in published_tasks
    assert published_tasks.count(("logs.read_due",)) == looks


def test_a_hundred_changes_that_stay_slow_for_minutes_cost_few_calls(
    ana, worker, sandbox, published_tasks, settings
):
    sandbox.grow(150)
    worker.sync()
    targets = Deployment.objects.filter(status="ready", gone_at=None)[:100]
    assert len(targets) == 100
    chosen = [target.deployment_id for target in targets]
    path = "/w/acme-vision/operations/batch/"
    sandbox.settle_slowly("/pause")
    ana.post(path, {"kind": "pause", "deployment": chosen, "form_token": str(uuid4()), "reason": "slow"})
    worker.run()
    assert Operation.objects.filter(state="accepted").count() == 100
    last_call, started = sandbox.last_call(), now()

    for second in range(150):
        with time_machine.travel(started + timedelta(seconds=second), tick=False):
            run_what_is_due(published_tasks, worker, sweeps=second % 5 == 0)

    counts = {path: sandbox.call_count(path, since=last_call) for path in READS}
    calls = sum(counts.values())
    assert Operation.objects.filter(state="accepted").count() == 100
    print(f"100 accepted operations, slow for 150 s: {counts}")
    assert calls <= 60


def test_many_changes_that_wait_cost_a_list_no_more_queries_than_one(
    ana, fleet, worker, django_assert_num_queries
):
    for row in fleet.values():
        if row.status == "ready":
            ana.ask(row, "pause")
    Operation.objects.update(state="accepted", accepted_at=now() - timedelta(seconds=9))
    Workspace.objects.update(list_requested_at=now())
    assert Operation.objects.count() > 5

    with django_assert_num_queries(2):
        settled = settle_workspace(worker.workspace.pk, now=now())

    assert settled == 0


@pytest.mark.parametrize(("waited", "next_look"), [(0, 30), (280, 20)])
def test_while_lists_are_read_a_change_that_waits_is_looked_at_twice_a_minute(
    waited, next_look, ana, fleet, settings
):
    settings.OPERATION_CONFIRM_SECONDS = 300
    operation = operation_of(ana.ask(fleet["pallet-counter"], "pause"))
    moment = now()
    claimed_at = moment - timedelta(seconds=waited)
    Operation.objects.update(state="accepted", claimed_at=claimed_at, accepted_at=claimed_at)
    Workspace.objects.update(list_requested_at=moment + timedelta(seconds=1))

    with time_machine.travel(moment, tick=False):
        look_at_operation(operation.pk)

    operation.refresh_from_db()
    assert operation.state == "accepted"
    assert operation.next_look_at == moment + timedelta(seconds=next_look)


def run_what_is_due(published_tasks, worker, *, sweeps):
    """Do what beat and the workers do in one second: publish what is due, and run what was published."""
    publish_due_syncs(now=now())
    if sweeps:
        sweep_operations(now=now())
    for task, *ids in list(published_tasks):
        if task == "fleet.sync":
            worker.sync()
            settle_workspace(worker.workspace.pk, now=now())
        elif task == "operations.look":
            look_at_operation(*ids)
    published_tasks.clear()


def test_of_a_look_that_is_delivered_many_times_one_asks_roboflow(ana, fleet, worker, sandbox):
    sandbox.settle_slowly("/pause")
    operation = operation_of(ana.ask(fleet["pallet-counter"], "pause"))
    worker.run()
    Operation.objects.update(state="unknown", next_look_at=now())
    last_call = sandbox.last_call()

    before = now()
    look_at_operation(operation.pk)
    assert Operation.objects.get().next_look_at > before + timedelta(milliseconds=100)
    # On a busy machine the next look could be due before all of these are delivered.
    Operation.objects.update(next_look_at=now() + timedelta(minutes=1))
    for _ in range(19):
        look_at_operation(operation.pk)

    assert sandbox.call_count("/get", since=last_call) == 1


@pytest.mark.parametrize(
    ("row_values", "moved"),
    [
        ({"status": "deleted"}, True),
        ({"gone_at": datetime(2026, 1, 1, tzinfo=UTC)}, True),
        ({}, False),
        ({"missing_since": datetime(2026, 1, 1, tzinfo=UTC)}, False),
    ],
)
def test_an_accepted_delete_ends_when_its_row_is_gone_or_called_deleted(row_values, moved, ana, fleet):
    row = fleet["night-shift"]
    operation = operation_of(ana.ask(row, "delete", confirm_name="night-shift", reason="over"))
    Operation.objects.update(state="accepted", accepted_at=now() - timedelta(seconds=9))
    Workspace.objects.update(list_requested_at=now())
    Deployment.objects.filter(pk=row.pk).update(**row_values)

    assert settle_workspace(operation.workspace_id, now=now()) == moved


@pytest.mark.parametrize(
    ("accepted", "listed", "newer"), [(-5, 0, True), (0, -5, False), (None, 0, False), (-5, None, False)]
)
def test_a_list_is_newer_when_it_was_asked_for_after_the_acceptance(accepted, listed, newer):
    def at(seconds):
        return None if seconds is None else now() + timedelta(seconds=seconds)

    operation = Operation(workspace=Workspace(list_requested_at=at(listed)), accepted_at=at(accepted))

    assert has_newer_list(operation) is newer
