"""An operation under faults of Roboflow: never sent twice, never a lie, always an end."""

import time
from datetime import timedelta

import pytest
import time_machine
from django.db import IntegrityError
from django.utils.timezone import now

from deployments.keys.models import ApiKey
from deployments.ledger.models import Operation
from deployments.ledger.transitions import claim_operation, mark_sent
from deployments.operations import request
from deployments.operations.run import run_operation
from deployments.roboflow.transport import Answer
from deployments.workspaces.models import Membership
from portal.queue.lease import holding_lease
from tests.people import operation_of
from tests.twisted import with_entries


def age(operation, seconds):
    """Let the window of an operation be over."""
    Operation.objects.filter(pk=operation.pk).update(claimed_at=now() - timedelta(seconds=seconds))


@pytest.mark.parametrize("kind", ["timeout_after", "reset_after"])
def test_a_create_whose_reply_is_lost_is_found_and_never_sent_again(
    kind, ana, worker, sandbox, settings, trail
):
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
    assert found == [
        "deployment.create.requested",
        "deployment.create.unknown",
        "deployment.create.succeeded",
    ]
    assert "deployment.create.outside" not in trail.actions()


def test_a_create_that_was_not_processed_needs_attention_at_the_end_of_its_window(
    ana, worker, sandbox, settings, trail
):
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


def test_a_pause_that_was_lost_before_it_happened_is_sent_again(
    ana, fleet, worker, sandbox, settings, monkeypatch
):
    settings.ROBOFLOW_READ_TIMEOUT_SECONDS = 1
    clear_clients()
    monkeypatch.setattr("deployments.operations.reconcile.GRACE_SECONDS", 0.2)
    sandbox.fault("/pause", "timeout_before", 1)
    operation = operation_of(ana.ask(fleet["pallet-counter"], "pause"))
    worker.run()

    for _ in range(20):
        worker.look()
        fresh = Operation.objects.get(pk=operation.pk)
        run_operation(operation.pk, now=now(), again=fresh.fence) if fresh.state == "unknown" else None
        operation.refresh_from_db()
        if operation.state == "succeeded":
            break

    assert operation.state == "succeeded"
    assert len(sandbox.journal("/pause")) == 1


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, "status"), (402, "status"), (403, "status"), (404, "status"), (409, "status"), (429, "status")],
)
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
    claimed = claim_operation(operation.pk, now=now())
    mark_sent(claimed, known_ids=[], now=now())
    sandbox.change("pallet-counter", status="paused")  # the call went out before the worker died

    worker.sweep(later=61)
    worker.drain()

    operation.refresh_from_db()
    assert operation.state == "succeeded"


def test_of_two_workers_only_one_claims(ana, fleet, worker):
    operation = operation_of(ana.ask(fleet["pallet-counter"], "pause"))

    first, second = claim_operation(operation.pk, now=now()), claim_operation(operation.pk, now=now())

    assert first is not None and second is None


def test_a_worker_that_wakes_after_its_lease_sends_nothing(ana, fleet, worker):
    operation = operation_of(ana.ask(fleet["pallet-counter"], "pause"))
    claimed = claim_operation(operation.pk, now=now())

    worker.sweep(later=61)

    assert not mark_sent(claimed, known_ids=[], now=now())


def test_what_needed_attention_is_resolved_by_a_later_sync_without_changing_its_end(
    ana, fleet, worker, sandbox, trail
):
    operation = operation_of(ana.ask(fleet["pallet-counter"], "pause"))
    sandbox.fault("/get", "status", 0, status=503)
    claimed = claim_operation(operation.pk, now=now())
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
    assert trail.actions(operation_id=str(operation.pk))[-2:] == [
        "deployment.pause.needs_attention",
        "deployment.pause.resolved",
    ]


def test_with_roboflow_away_nothing_is_sent_and_it_says_so(ana, fleet, worker, sandbox, settings):
    settings.ROBOFLOW_REGIONS = {"us": {"deployments": "http://127.0.0.1:9", "api": "http://127.0.0.1:9"}}
    clear_clients()
    operation = operation_of(ana.ask(fleet["pallet-counter"], "pause"))

    worker.drain()

    operation.refresh_from_db()
    assert operation.state == "failed"
    assert "Nothing was sent" in operation.message


class Kill(BaseException):
    """As SIGKILL: nothing after it is done."""


def killed(*args, **kwargs):
    raise Kill


def test_a_worker_killed_right_after_it_wrote_the_answer_leaves_nothing_that_nobody_looks_at(
    ana, fleet, worker, monkeypatch
):
    operation = operation_of(ana.ask(fleet["pallet-counter"], "pause"))
    monkeypatch.setattr("deployments.operations.run.publish", killed)
    with pytest.raises(Kill):
        worker.run()
    published = []
    monkeypatch.setattr("deployments.operations.sweep.publish", lambda *args: published.append(args) or True)

    worker.sweep(later=2)

    assert published == [("operations.look", operation.pk)]


def test_a_refusal_after_a_killed_call_is_not_called_failed(ana, fleet, worker, sandbox, monkeypatch):
    monkeypatch.setattr("deployments.operations.reconcile.GRACE_SECONDS", 0)
    operation = operation_of(ana.ask(fleet["pallet-counter"], "pause"))
    claimed = claim_operation(operation.pk, now=now())
    mark_sent(
        claimed, known_ids=[], now=now()
    )  # the call goes out, and the worker is killed: no attempt is written
    worker.sweep(later=61)
    sandbox.fault("/pause", "status", 1, status=409, text="Deployment is pausing already")
    fence = Operation.objects.get(pk=operation.pk).fence

    run_operation(operation.pk, now=now(), again=fence)
    sandbox.change("pallet-counter", status="paused")
    worker.drain()

    operation.refresh_from_db()
    assert operation.state == "succeeded"


def test_a_copy_of_an_old_message_sends_nothing_again(ana, fleet, worker, sandbox, settings):
    settings.ROBOFLOW_READ_TIMEOUT_SECONDS = 1
    clear_clients()
    sandbox.fault("/pause", "timeout_after", 1)
    operation = operation_of(ana.ask(fleet["pallet-counter"], "pause"))
    worker.run()

    run_operation(operation.pk, now=now())

    assert sandbox.calls()["/pause"] == 1


def test_a_worker_that_stalls_while_the_key_is_opened_sends_nothing_late(
    ana, fleet, worker, sandbox, settings, monkeypatch
):
    settings.OPERATION_CALL_SECONDS = 1.5
    calls = []

    def slow(*args, **kwargs):
        calls.append(1)
        if len(calls) == 2:  # after the look, before the call
            time.sleep(2)

    monkeypatch.setattr("deployments.keys.open.record_use", slow)
    operation = operation_of(ana.ask(fleet["pallet-counter"], "pause"))

    worker.run()

    operation.refresh_from_db()
    assert "/pause" not in sandbox.calls() and operation.state == "failed"


def test_a_key_removed_during_the_look_is_not_used(ana, fleet, worker, sandbox, monkeypatch):
    operation = operation_of(ana.ask(fleet["pallet-counter"], "pause"))
    looked = []
    from deployments.operations import run as module

    whole = module.verify_target
    monkeypatch.setattr(
        module,
        "verify_target",
        lambda *args: (looked.append(1), whole(*args), ApiKey.objects.all().delete())[1],
    )

    worker.run()

    operation.refresh_from_db()
    assert (
        looked
        and operation.state == "failed"
        and "replaced or removed" in operation.message
        and sandbox.journal() == []
    )


def test_a_delete_that_needed_attention_is_resolved_when_it_is_gone(ana, fleet, worker, sandbox, twist):
    operation = operation_of(
        ana.ask(fleet["night-shift"], "delete", confirm_name="night-shift", reason="over")
    )
    sandbox.fault("/delete", "ignored", 1)
    worker.run()
    age(operation, 400)
    worker.look()
    age(operation, 1)
    twist["/list"] = with_entries(
        lambda found: [one for one in found if one["deployment_name"] != "night-shift"]
    )
    twist["/get"] = lambda answer: Answer(404, None, b"Deployment not found")

    with time_machine.travel(now() + timedelta(minutes=2)):  # beyond what a list may lag
        worker.sync()
        worker.sweep()

    operation.refresh_from_db()
    assert operation.state == "needs_attention" and operation.resolved_at


def test_a_clock_that_is_set_back_leaves_nothing_hanging(ana, fleet, worker, sandbox):
    sandbox.fault("/pause", "ignored", 1)
    operation = operation_of(ana.ask(fleet["pallet-counter"], "pause"))
    worker.run()
    assert leased_sweep()

    with time_machine.travel(now() - timedelta(hours=1)):
        assert leased_sweep()
        assert Operation.objects.get(pk=operation.pk).state == "accepted"
        worker.sweep()
        worker.look()

    operation.refresh_from_db()
    assert operation.state == "needs_attention"


def leased_sweep():
    """What the periodic task does; whether it had its lease."""
    with holding_lease("operations.sweep", now=now()) as held:
        return held is not None


def test_a_key_removed_between_guard_and_commit_is_refused(ana, fleet, monkeypatch):
    monkeypatch.setattr(
        "deployments.operations.change_views.refuse_if_too_many",
        lambda request: ApiKey.objects.all().delete() and None,
    )

    answer = ana.ask(fleet["pallet-counter"], "pause")

    assert answer.status_code == 403 and not Operation.objects.exists()


def test_an_operation_that_ends_while_another_is_asked_for_makes_room(ana, ben, fleet, monkeypatch):
    first = operation_of(ana.ask(fleet["pallet-counter"], "pause"))
    whole, tries = request.insert_operation, []

    def first_ends_when_the_insert_failed(*args, **more):
        tries.append(1)
        try:
            return whole(*args, **more)
        except IntegrityError:
            ended.append(first.pk)
            raise

    ended = []
    open_ones = Operation.objects.open

    def open_now(self):
        Operation.objects.filter(pk__in=ended).update(state="succeeded")
        return open_ones()

    monkeypatch.setattr(request, "insert_operation", first_ends_when_the_insert_failed)
    monkeypatch.setattr(type(Operation.objects), "open", open_now)

    second = operation_of(ben.ask(fleet["pallet-counter"], "resume"))

    assert len(tries) == 2 and second.pk != first.pk and second.state == "queued"


def clear_clients():
    from deployments.keys.open import client_for_region

    client_for_region.cache_clear()
