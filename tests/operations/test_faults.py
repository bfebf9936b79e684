"""An operation under faults of Roboflow: never sent twice, never a lie, always an end."""

from datetime import timedelta

import pytest
from django.utils.timezone import now

from deployments.keys.models import ApiKey
from deployments.operations.claim import claim, mark_sent
from deployments.operations.models import Operation
from deployments.operations.run import run
from deployments.workspaces.models import Membership
from tests.people import operation_of


def age(operation, seconds):
    """Let the window of an operation be over."""
    Operation.objects.filter(pk=operation.pk).update(claimed_at=now() - timedelta(seconds=seconds))


@pytest.mark.parametrize("kind", ["timeout_after", "reset_after"])
def test_a_create_whose_reply_is_lost_is_found_and_never_sent_again(kind, ana, worker, sandbox, settings, trail):
    worker.sync()
    settings.ROBOFLOW_READ_TIMEOUT_SECONDS = 1
    clear_clients()
    sandbox.fault("/add", kind, 1)
    operation = operation_of(ana.create("lost-reply"))

    worker.drain(8)
    worker.sync()

    operation.refresh_from_db()
    assert operation.state == "succeeded", operation.message
    assert len(sandbox.journal("/add")) == 1
    assert sandbox.calls()["/add"] == 1
    found = trail.actions(operation_id=str(operation.pk))
    assert found == ["deployment.create.requested", "deployment.create.unknown", "deployment.create.succeeded"]
    assert "deployment.create.outside" not in trail.actions()


def test_a_create_that_was_not_processed_needs_attention_at_the_end_of_its_window(ana, worker, sandbox, settings, trail):
    settings.ROBOFLOW_READ_TIMEOUT_SECONDS = 1
    clear_clients()
    sandbox.fault("/add", "timeout_before", 1)
    operation = operation_of(ana.create("never-made"))
    worker.run()
    worker.look()
    operation.refresh_from_db()
    before = operation.state

    age(operation, 301)
    worker.look()

    operation.refresh_from_db()
    assert (before, operation.state) == ("unknown", "needs_attention")
    assert sandbox.journal("/add") == [] and sandbox.calls()["/add"] == 1
    assert trail.actions(operation_id=str(operation.pk))[-1] == "deployment.create.needs_attention"


def test_a_pause_that_was_lost_before_it_happened_is_sent_again(ana, fleet, worker, sandbox, settings, monkeypatch):
    settings.ROBOFLOW_READ_TIMEOUT_SECONDS = 1
    clear_clients()
    monkeypatch.setattr("deployments.operations.reconcile.GRACE_SECONDS", 0.2)
    sandbox.fault("/pause", "timeout_before", 1)
    operation = operation_of(ana.ask(fleet["pallet-counter"], "pause"))
    worker.run()

    for _ in range(20):
        worker.look()
        run(operation.pk, now=now()) if Operation.objects.get(pk=operation.pk).state == "unknown" else None
        operation.refresh_from_db()
        if operation.state == "succeeded":
            break

    assert operation.state == "succeeded"
    assert len(sandbox.journal("/pause")) == 1


@pytest.mark.parametrize(("status", "kind"), [(400, "status"), (402, "status"), (403, "status"), (404, "status"), (409, "status"), (429, "status")])
def test_a_clear_no_is_failed_with_roboflows_words(status, kind, ana, fleet, worker, sandbox):
    sandbox.fault("/pause", kind, 1, status=status, text="Nope, not <today>")
    operation = operation_of(ana.ask(fleet["pallet-counter"], "pause"))

    worker.drain()

    operation.refresh_from_db()
    page = ana.get(f"/w/acme-vision/operations/{operation.pk}/").content.decode()
    assert operation.state == "failed"
    assert operation.upstream_text == "Nope, not <today>"
    assert "Nope, not &lt;today&gt;" in page
    assert sandbox.journal("/pause") == []


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_server_error_says_nothing_so_the_state_is_asked(status, ana, fleet, worker, sandbox):
    sandbox.fault("/pause", "status_after", 1, status=status)
    operation = operation_of(ana.ask(fleet["pallet-counter"], "pause"))

    worker.drain(8)

    operation.refresh_from_db()
    assert operation.state == "succeeded"
    assert len(sandbox.journal("/pause")) == 1


def test_a_refused_key_ends_the_operation_and_marks_the_key(ana, fleet, worker, sandbox, trail):
    operation = operation_of(ana.ask(fleet["pallet-counter"], "pause"))
    sandbox.revoke_key("sandbox-key-ana")

    worker.drain()

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


@pytest.mark.parametrize("what", ["removed", "viewer", "inactive", "key removed"])
def test_who_may_no_longer_act_is_not_acted_for(what, ana, ben, fleet, worker, sandbox):
    operation = operation_of(ben.ask(fleet["pallet-counter"], "pause"))
    member = Membership.objects.filter(user=ben.user)
    if what == "removed":
        member.update(removed_at=now())
    elif what == "viewer":
        member.update(role="viewer")
    elif what == "inactive":
        type(ben.user).objects.filter(pk=ben.user.pk).update(is_active=False)
    else:
        ApiKey.objects.filter(user=ben.user).delete()

    worker.drain()

    operation.refresh_from_db()
    assert operation.state == "failed"
    assert "Nothing was sent" in operation.message
    assert sandbox.journal() == []


def test_a_worker_that_died_while_sending_is_found_by_the_sweep(ana, fleet, worker, sandbox):
    operation = operation_of(ana.ask(fleet["pallet-counter"], "pause"))
    claimed = claim(operation.pk, now=now())
    mark_sent(claimed, known_ids=[], now=now())
    sandbox.change("pallet-counter", status="paused")  # the call went out before the worker died

    worker.sweep(later=61)
    worker.drain()

    operation.refresh_from_db()
    assert operation.state == "succeeded"


def test_of_two_workers_only_one_claims(ana, fleet, worker):
    operation = operation_of(ana.ask(fleet["pallet-counter"], "pause"))

    first, second = claim(operation.pk, now=now()), claim(operation.pk, now=now())

    assert first is not None and second is None


def test_a_worker_that_wakes_after_its_lease_sends_nothing(ana, fleet, worker):
    operation = operation_of(ana.ask(fleet["pallet-counter"], "pause"))
    claimed = claim(operation.pk, now=now())

    worker.sweep(later=61)

    assert not mark_sent(claimed, known_ids=[], now=now())


def test_what_needed_attention_is_resolved_by_a_later_sync_without_changing_its_end(ana, fleet, worker, sandbox, trail):
    operation = operation_of(ana.ask(fleet["pallet-counter"], "pause"))
    sandbox.fault("/get", "status", 0, status=503)
    claimed = claim(operation.pk, now=now())
    mark_sent(claimed, known_ids=[], now=now())
    worker.sweep(later=61)
    age(operation, 301)
    worker.look()
    sandbox.clear_faults()
    sandbox.change("pallet-counter", status="paused")

    worker.sync()
    worker.sweep()

    operation.refresh_from_db()
    assert operation.state == "needs_attention"
    assert operation.resolved_at
    assert trail.actions(operation_id=str(operation.pk))[-2:] == ["deployment.pause.needs_attention", "deployment.pause.resolved"]


def test_with_roboflow_away_nothing_is_sent_and_it_says_so(ana, fleet, worker, sandbox, settings):
    settings.ROBOFLOW_REGIONS = {"us": {"deployments": "http://127.0.0.1:9", "api": "http://127.0.0.1:9"}}
    clear_clients()
    operation = operation_of(ana.ask(fleet["pallet-counter"], "pause"))

    worker.drain()

    operation.refresh_from_db()
    assert operation.state == "failed"
    assert "Nothing was sent" in operation.message


def clear_clients():
    from deployments.keys.open import client_of

    client_of.cache_clear()
