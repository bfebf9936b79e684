"""Performing an operation: sent once, by one worker, to the right deployment, for somebody who still may."""

import time
from datetime import timedelta

import pytest
import time_machine
from django.utils.timezone import now

from deployments.fleet.models import Deployment
from deployments.keys.models import ApiKey
from deployments.keys.open import client_for_region
from deployments.keys.recheck import recheck_due_keys
from deployments.ledger.models import Operation
from deployments.operations import run
from deployments.operations.run import run_operation
from deployments.workspaces.models import Membership, Workspace
from tests.people import operation_of


@pytest.mark.parametrize("status", [400, 402, 403, 404, 409, 429])
def test_a_clear_no_is_failed_with_roboflows_words(status, ana, fleet, worker, sandbox):
    sandbox.fault("/pause", "status", 1, status=status, text="Nope, not <today>")
    operation = operation_of(ana.ask(fleet["pallet-counter"], "pause"))

    worker.drain()

    operation.refresh_from_db()
    page = ana.get(f"/w/acme-vision/operations/{operation.pk}/").content.decode()
    assert operation.state == "failed"
    assert operation.upstream_text == "Nope, not <today>"
    assert "Roboflow" in operation.message and "Nope" not in operation.message  # our reading of it
    assert "Nope, not &lt;today&gt;" in page
    assert sandbox.journal("/pause") == []


def test_a_refused_key_ends_the_operation_and_marks_the_key(ana, fleet, worker, sandbox, trail):
    operation = operation_of(ana.ask(fleet["pallet-counter"], "pause"))
    sandbox.revoke_key("sandbox-key-ana")

    worker.drain()
    recheck_due_keys(now=now() + timedelta(seconds=5))

    operation.refresh_from_db()
    assert operation.state == "failed"
    assert ApiKey.objects.get(user=ana.user).state == "refused"
    assert "key.stopped" in trail.actions()
    assert "Replace key" in ana.get("/w/acme-vision/").content.decode()


def test_another_deployment_of_the_same_name_is_not_touched(ana, fleet, worker, sandbox):
    operation = operation_of(ana.ask(fleet["pallet-counter"], "pause"))
    sandbox.change("pallet-counter", status="deleted")
    sandbox.create("pallet-counter", status="ready")

    worker.drain()

    operation.refresh_from_db()
    assert operation.state == "failed"
    assert "belongs to another deployment" in operation.message
    assert sandbox.journal("/pause") == []


@pytest.mark.parametrize(
    ("what", "why"),
    [
        ("removed", "Ben is no longer a member of this workspace."),
        ("viewer", "Ben now has the role viewer, which may not do this."),
        ("inactive", "Ben can no longer sign in."),
        ("key removed", "The key that Ben used was replaced or removed."),
        ("key of another person", "The key that Ben used was replaced or removed."),
        ("key of another workspace", "The key that Ben used was replaced or removed."),
        ("key refused", "The key of Ben is refused."),
    ],
)
def test_who_may_no_longer_act_is_not_acted_for(what, why, ana, ben, fleet, worker, sandbox):
    operation = operation_of(ben.ask(fleet["pallet-counter"], "pause"))
    member = Membership.objects.filter(user=ben.user)
    if what == "removed":
        member.update(removed_at=now())
    elif what == "viewer":
        member.update(role="viewer")
    elif what == "inactive":
        type(ben.user).objects.filter(pk=ben.user.pk).update(is_active=False)
    elif what == "key removed":
        ApiKey.objects.filter(user=ben.user).delete()
    elif what == "key of another person":
        Operation.objects.update(key=ApiKey.objects.get(user=ana.user))
    elif what == "key of another workspace":
        elsewhere = Workspace.objects.create(slug="elsewhere", roboflow_slug="elsewhere", created_at=now())
        ApiKey.objects.filter(user=ben.user).update(workspace=elsewhere)
    else:
        ApiKey.objects.filter(user=ben.user).update(state="refused")

    worker.drain()

    operation.refresh_from_db()
    assert operation.state == "failed"
    assert operation.message == f"{why} Nothing was sent."
    assert sandbox.journal() == []


def test_a_key_removed_during_the_look_is_not_used(ana, fleet, worker, sandbox, monkeypatch):
    operation = operation_of(ana.ask(fleet["pallet-counter"], "pause"))
    verify_target = run.verify_target
    verified = []

    def verify_while_the_key_is_removed(*args):
        verified.append(verify_target(*args))
        ApiKey.objects.all().delete()
        return verified[0]

    monkeypatch.setattr(run, "verify_target", verify_while_the_key_is_removed)

    worker.run()

    operation.refresh_from_db()
    assert verified
    assert operation.state == "failed"
    assert "replaced or removed" in operation.message
    assert sandbox.journal() == []


def test_with_roboflow_away_nothing_is_sent_and_it_says_so(ana, fleet, worker, sandbox, settings):
    settings.ROBOFLOW_REGIONS = {"us": {"deployments": "http://127.0.0.1:9", "api": "http://127.0.0.1:9"}}
    client_for_region.cache_clear()
    operation = operation_of(ana.ask(fleet["pallet-counter"], "pause"))

    worker.drain()

    operation.refresh_from_db()
    assert operation.state == "failed"
    assert "Nothing was sent" in operation.message


def test_an_operation_that_runs_twice_is_sent_once(ana, fleet, worker, sandbox):
    operation = operation_of(ana.ask(fleet["pallet-counter"], "pause"))

    run_operation(operation.pk, now=now())
    run_operation(operation.pk, now=now())

    assert sandbox.calls()["/pause"] == 1


def test_a_copy_of_an_old_message_sends_nothing_again(ana, fleet, worker, sandbox, short_timeout):
    sandbox.fault("/pause", "timeout_after", 1)
    operation = operation_of(ana.ask(fleet["pallet-counter"], "pause"))
    worker.run()
    assert Operation.objects.get(pk=operation.pk).state == "unknown"

    run_operation(operation.pk, now=now())
    run_operation(operation.pk, now=now(), again=0)

    assert sandbox.calls()["/pause"] == 1


def test_a_worker_whose_lease_expired_before_the_call_sends_nothing(
    ana, fleet, worker, sandbox, settings, monkeypatch
):
    operation = operation_of(ana.ask(fleet["pallet-counter"], "pause"))
    verify_target = run.verify_target

    with time_machine.travel(now()) as clock:

        def verify_until_the_lease_expires(*args):
            known_ids = verify_target(*args)
            clock.shift(timedelta(seconds=settings.OPERATION_LEASE_SECONDS + 1))
            return known_ids

        monkeypatch.setattr(run, "verify_target", verify_until_the_lease_expires)
        worker.run()

    operation.refresh_from_db()
    assert "/get" in sandbox.calls()
    assert "/pause" not in sandbox.calls()
    assert (operation.state, operation.sent_at) == ("sending", None)  # the sweep ends this claim


def test_a_worker_that_the_sweep_took_for_lost_sends_nothing(ana, fleet, worker, sandbox, monkeypatch):
    operation = operation_of(ana.ask(fleet["pallet-counter"], "pause"))
    verify_target = run.verify_target

    def verify_until_the_sweep_ends_the_claim(*args):
        known_ids = verify_target(*args)
        worker.sweep(later=61)
        return known_ids

    monkeypatch.setattr(run, "verify_target", verify_until_the_sweep_ends_the_claim)

    worker.run()

    operation.refresh_from_db()
    assert operation.state == "unknown"
    assert "/pause" not in sandbox.calls()


def test_a_worker_that_stalls_while_the_key_is_opened_sends_nothing_late(
    ana, fleet, worker, sandbox, settings, monkeypatch
):
    settings.OPERATION_CALL_SECONDS = 1.5
    calls = []

    def record_use_slowly(*args, **kwargs):
        calls.append(args)
        if len(calls) == 2:  # after the pre-check, before the call
            time.sleep(2)

    monkeypatch.setattr("deployments.keys.open.record_use", record_use_slowly)
    operation = operation_of(ana.ask(fleet["pallet-counter"], "pause"))

    worker.run()

    operation.refresh_from_db()
    assert len(calls) == 2
    assert operation.state == "failed"
    assert "/pause" not in sandbox.calls()


def test_a_refusal_after_a_killed_call_is_not_called_failed(
    ana, fleet, worker, sandbox, kill_after_sending, monkeypatch
):
    monkeypatch.setattr("deployments.operations.reconcile.GRACE_SECONDS", 0)
    operation = operation_of(ana.ask(fleet["pallet-counter"], "pause"))
    kill_after_sending(operation)
    worker.sweep(later=61)
    sandbox.fault("/pause", "status", 1, status=409, text="Deployment is pausing already")
    fence = Operation.objects.get(pk=operation.pk).fence

    run_operation(operation.pk, now=now(), again=fence)
    operation.refresh_from_db()
    state_after_refusal = operation.state
    sandbox.change("pallet-counter", status="paused")
    worker.drain()

    operation.refresh_from_db()
    assert (state_after_refusal, operation.state) == ("unknown", "succeeded")


def test_a_create_becomes_a_deployment_of_ours(ana, worker, sandbox, trail):
    worker.sync()
    operation = operation_of(ana.create("fresh-one", reason="trial", duration="1"))

    worker.drain()
    worker.sync()

    operation.refresh_from_db()
    assert operation.state == "succeeded"
    assert Deployment.objects.get(deployment_id=operation.target_id).deployment_name == "fresh-one"
    assert len(sandbox.journal("/add")) == 1
    assert trail.actions(object_name="fresh-one") == [
        "deployment.create.requested",
        "deployment.create.succeeded",
    ]


@pytest.mark.parametrize(
    ("kind", "name", "status", "why"),
    [
        ("pause", "pallet-counter", "paused", "The deployment is paused already. Nothing was sent."),
        ("resume", "night-shift", "ready", "The deployment is ready, not paused. Nothing was sent."),
    ],
)
def test_what_the_status_of_now_makes_impossible_is_not_sent(
    kind, name, status, why, ana, fleet, worker, sandbox
):
    operation = operation_of(ana.ask(fleet[name], kind))
    sandbox.change(name, status=status)

    worker.run()

    operation.refresh_from_db()
    assert (operation.state, operation.message) == ("failed", why)
    assert sandbox.journal(f"/{kind}") == []
