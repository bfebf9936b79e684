"""Reconciling: what an answer of `/get` proves, and what becomes of operations whose reply was lost."""

from datetime import timedelta

import pytest
from django.utils.timezone import now

from deployments.ledger.models import Operation
from deployments.ledger.states import State
from deployments.operations import reconcile
from deployments.operations.reconcile import Observation, Verdict, decide
from deployments.operations.run import run_operation
from deployments.roboflow.parse import parse_one_deployment
from tests.people import operation_of


def report(status, deployment_id="mine"):
    fields = f'"deployment_id": "{deployment_id}", "deployment_name": "name-1", "status": "{status}"'
    return Observation(parse_one_deployment(f"{{{fields}}}".encode()))


def unsaved(kind, state=State.UNKNOWN, **fields):
    """An operation on the deployment `mine`; a create has no deployment yet."""
    target_id = "" if kind == "create" else "mine"
    return Operation(**{"kind": kind, "state": state, "target_id": target_id, "sent_at": now(), **fields})


ABSENT = Observation(is_absent=True)
NO_ANSWER = Observation(error="Roboflow did not answer.")


@pytest.mark.parametrize(
    ("kind", "observation", "to"),
    [
        ("pause", report("paused"), State.SUCCEEDED),
        ("pause", report("ready"), None),
        ("pause", report("paused", "other"), None),
        ("pause", ABSENT, None),
        ("pause", NO_ANSWER, None),
        ("resume", report("pending"), State.SUCCEEDED),
        ("resume", report("ready"), State.SUCCEEDED),
        ("resume", report("paused"), None),
        ("delete", report("deleted"), State.SUCCEEDED),
        ("delete", ABSENT, State.SUCCEEDED),
        ("delete", report("ready", "other"), State.SUCCEEDED),
        ("delete", report("ready"), None),
        ("delete", NO_ANSWER, None),
        ("create", report("pending"), State.SUCCEEDED),
        ("create", report("a word of next year"), State.SUCCEEDED),
        ("create", report("failed"), State.NEEDS_ATTENTION),
        ("create", report("ready", "known before"), None),
        ("create", ABSENT, None),
        ("create", NO_ANSWER, None),
    ],
)
def test_only_what_proves_the_change_ends_an_operation_in_its_window(kind, observation, to):
    operation = unsaved(kind, known_ids=["known before"])

    in_window = decide(operation, observation, is_window_over=False, may_resend=False)
    afterwards = decide(operation, observation, is_window_over=True, may_resend=False)

    assert in_window.to == to
    assert afterwards.to == (to or State.NEEDS_ATTENTION)
    assert in_window.message and afterwards.message


def test_a_create_that_was_never_sent_takes_no_deployment_for_its_own():
    operation = unsaved("create", sent_at=None)

    assert decide(operation, report("ready"), is_window_over=False, may_resend=False).to is None


@pytest.mark.parametrize(
    ("kind", "state", "observation", "may_resend", "resend"),
    [
        ("pause", State.UNKNOWN, report("ready"), True, True),
        ("delete", State.UNKNOWN, report("ready"), True, True),
        ("pause", State.UNKNOWN, report("ready"), False, False),
        ("pause", State.ACCEPTED, report("ready"), True, False),
        ("pause", State.UNKNOWN, report("ready", "other"), True, False),
        ("pause", State.UNKNOWN, ABSENT, True, False),
        ("pause", State.UNKNOWN, NO_ANSWER, True, False),
        ("create", State.UNKNOWN, ABSENT, True, False),
        ("create", State.UNKNOWN, report("ready", "known before"), True, False),
    ],
)
def test_only_an_unknown_change_that_did_not_happen_is_sent_again(
    kind, state, observation, may_resend, resend
):
    operation = unsaved(kind, state, known_ids=["known before"])

    verdict = decide(operation, observation, is_window_over=False, may_resend=may_resend)

    assert verdict.resend == resend
    assert verdict.to is None


def test_nothing_is_sent_again_after_the_window():
    verdict = decide(unsaved("pause"), report("ready"), is_window_over=True, may_resend=True)

    assert isinstance(verdict, Verdict)
    assert (verdict.to, verdict.resend) == (State.NEEDS_ATTENTION, False)
    assert verdict.message.startswith("Roboflow reports it as ready.")


@pytest.mark.parametrize(("seconds", "fence", "allowed"), [(3.9, 1, False), (4.1, 1, True), (4.1, 3, False)])
def test_a_lost_call_is_repeated_after_four_seconds_and_at_most_twice(seconds, fence, allowed):
    current_time = now()
    operation = unsaved("pause", fence=fence, sent_at=current_time - timedelta(seconds=seconds))

    assert reconcile.may_resend(operation, now=current_time) is allowed


@pytest.mark.parametrize(
    ("seconds", "is_over"), [(-61, True), (-59, False), (0, False), (299, False), (300, True)]
)
def test_the_confirm_window_lasts_five_minutes_and_a_start_in_the_future_is_over(seconds, is_over, settings):
    settings.OPERATION_CONFIRM_SECONDS = 300
    current_time = now()
    operation = unsaved("pause", claimed_at=current_time - timedelta(seconds=seconds))

    assert reconcile.is_window_over(operation, now=current_time) is is_over


@pytest.mark.parametrize(
    ("seconds", "is_due"), [(None, True), (-5, True), (0.2, True), (0.4, False), (59, False), (61, True)]
)
def test_a_look_has_its_turn_when_it_is_due_or_its_time_is_from_before_the_clock_was_set_back(
    seconds, is_due, ana, fleet
):
    operation, current_time = operation_of(ana.ask(fleet["pallet-counter"], "pause")), now()
    due_at = None if seconds is None else current_time + timedelta(seconds=seconds)
    Operation.objects.update(state="unknown", next_look_at=due_at)
    operation.refresh_from_db()

    assert reconcile.take_look_turn(operation, now=current_time) is is_due

    operation.refresh_from_db()
    booked_until = current_time + timedelta(seconds=20)
    assert operation.next_look_at == (booked_until if is_due else due_at)


def test_of_two_workers_that_reconcile_at_once_only_one_asks_roboflow(
    ana, fleet, worker, sandbox, monkeypatch
):
    sandbox.fault("/pause", "ignored", 1)
    operation = operation_of(ana.ask(fleet["pallet-counter"], "pause"))
    worker.run()
    Operation.objects.update(state="unknown")
    load_operation = reconcile.load_operation

    def load_before_the_other_worker_takes_its_turn(operation_id):
        loaded = load_operation(operation_id)
        assert reconcile.take_look_turn(load_operation(operation_id), now=now())
        return loaded

    monkeypatch.setattr(reconcile, "load_operation", load_before_the_other_worker_takes_its_turn)
    calls_before = sandbox.calls()["/get"]

    worker.look()

    assert sandbox.calls()["/get"] == calls_before
    monkeypatch.setattr(reconcile, "load_operation", load_operation)
    worker.look()
    assert sandbox.calls()["/get"] == calls_before + 1
    assert Operation.objects.get(pk=operation.pk).state == "unknown"


@pytest.mark.parametrize("fault", ["timeout_after", "reset_after"])
def test_a_create_whose_reply_is_lost_is_found_and_never_sent_again(
    fault, ana, worker, sandbox, short_timeout, trail
):
    worker.sync()
    sandbox.fault("/add", fault, 1)
    operation = operation_of(ana.create("lost-reply"))

    worker.drain(8)
    worker.sync()

    operation.refresh_from_db()
    assert operation.state == "succeeded", operation.message
    assert len(sandbox.journal("/add")) == 1
    assert sandbox.calls()["/add"] == 1
    assert trail.actions(operation_id=str(operation.pk)) == [
        "deployment.create.requested",
        "deployment.create.unknown",
        "deployment.create.succeeded",
    ]
    assert "deployment.create.outside" not in trail.actions()


def test_a_create_that_was_not_processed_needs_attention_at_the_end_of_its_window(
    ana, worker, sandbox, short_timeout, end_window, trail
):
    sandbox.fault("/add", "timeout_before", 1)
    operation = operation_of(ana.create("never-made"))
    worker.run()
    worker.look()
    operation.refresh_from_db()
    state_in_window = operation.state

    end_window(operation)
    worker.look()

    operation.refresh_from_db()
    assert (state_in_window, operation.state) == ("unknown", "needs_attention")
    assert sandbox.journal("/add") == [] and sandbox.calls()["/add"] == 1
    assert trail.actions(operation_id=str(operation.pk))[-1] == "deployment.create.needs_attention"


def test_a_pause_that_was_lost_before_it_happened_is_sent_again(
    ana, fleet, worker, sandbox, short_timeout, monkeypatch
):
    monkeypatch.setattr("deployments.operations.reconcile.GRACE_SECONDS", 0.2)
    sandbox.fault("/pause", "timeout_before", 1)
    operation = operation_of(ana.ask(fleet["pallet-counter"], "pause"))
    worker.run()

    for _ in range(20):
        worker.look()
        operation.refresh_from_db()
        if operation.state == "succeeded":
            break
        if operation.state == "unknown":
            run_operation(operation.pk, now=now(), again=operation.fence)

    operation.refresh_from_db()
    assert operation.state == "succeeded"
    assert len(sandbox.journal("/pause")) == 1


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_server_error_says_nothing_so_the_state_is_asked(status, ana, fleet, worker, sandbox):
    sandbox.fault("/pause", "status_after", 1, status=status)
    operation = operation_of(ana.ask(fleet["pallet-counter"], "pause"))

    worker.drain(8)

    operation.refresh_from_db()
    assert operation.state == "succeeded"
    assert len(sandbox.journal("/pause")) == 1


def test_a_look_is_taken_with_another_members_key_when_the_actors_is_gone(ana, ben, fleet, worker, sandbox):
    operation = operation_of(ben.ask(fleet["pallet-counter"], "pause"))
    worker.run()
    operation.refresh_from_db()
    operation.key.delete()

    worker.drain()

    operation.refresh_from_db()
    assert operation.state == "succeeded"
