"""Transitions: each is a compare-and-set, so of two workers one wins, and a late one writes nothing."""

from datetime import timedelta

import pytest
from django.utils.timezone import now

from deployments.ledger.models import Attempt, Operation
from deployments.ledger.states import State
from deployments.ledger.transitions import (
    Outcome,
    cancel_operation,
    claim_operation,
    dismiss_operation,
    load_operation,
    mark_lost,
    mark_restored,
    mark_sent,
    schedule_look,
    transition,
)
from deployments.workspaces.models import Workspace
from portal.audit.origin import SYSTEM
from tests.people import operation_of


@pytest.fixture
def operation(ana, fleet):
    """A pause of Ana's, queued."""
    return load_operation(operation_of(ana.ask(fleet["pallet-counter"], "pause")).pk)


@pytest.fixture
def create(ana, fleet):
    """A create of Ana's, queued."""
    return load_operation(operation_of(ana.create("brand-new")).pk)


def move_to(operation, state, **outcome):
    fields = {"message": "Roboflow said so."} | outcome
    return transition(operation, State(state), outcome=Outcome(**fields), now=now())


def stored(operation):
    return Operation.objects.get(pk=operation.pk)


# Claims


def test_of_two_workers_one_claims_a_queued_operation(operation, settings):
    at = now()

    first, second = claim_operation(operation.pk, now=at), claim_operation(operation.pk, now=at)

    assert second is None
    assert (first.state, first.fence, first.claimed_at) == ("sending", 1, at)
    assert first.lease_until == at + timedelta(seconds=settings.OPERATION_LEASE_SECONDS)


def test_a_claim_that_read_an_old_state_writes_nothing(operation, monkeypatch):
    monkeypatch.setattr("deployments.ledger.transitions.load_operation", lambda pk: operation)
    Operation.objects.filter(pk=operation.pk).update(state="cancelled")

    assert claim_operation(operation.pk, now=now()) is None
    assert stored(operation).state == "cancelled"


def test_a_claim_that_read_an_old_fence_writes_nothing(operation, monkeypatch):
    move_to(claim_operation(operation.pk, now=now()), "unknown")
    read_before = load_operation(operation.pk)
    Operation.objects.update(fence=2)
    monkeypatch.setattr("deployments.ledger.transitions.load_operation", lambda pk: read_before)

    assert claim_operation(operation.pk, now=now(), again=1) is None
    assert (stored(operation).state, stored(operation).fence) == ("unknown", 2)


def test_nothing_is_claimed_that_does_not_exist(db):
    assert claim_operation("00000000-0000-4000-8000-000000000000", now=now()) is None


def test_an_unknown_operation_is_claimed_again_with_its_fence_and_its_first_claim_counts(operation):
    at = now() - timedelta(seconds=30)
    claimed = claim_operation(operation.pk, now=at)
    move_to(claimed, "unknown")

    without_fence = claim_operation(operation.pk, now=now())
    old_message = claim_operation(operation.pk, now=now(), again=0)
    again = claim_operation(operation.pk, now=now(), again=1)

    assert (without_fence, old_message) == (None, None)
    assert (again.state, again.fence, again.claimed_at) == ("sending", 2, at)


def test_an_unknown_create_is_not_claimed_again(create):
    claimed = claim_operation(create.pk, now=now())
    move_to(claimed, "unknown")

    assert claim_operation(create.pk, now=now(), again=claimed.fence) is None
    assert stored(create).state == "unknown"


# The check of the lease, just before the call


def test_an_operation_is_marked_as_sent_under_its_lease(operation):
    claimed, at = claim_operation(operation.pk, now=now()), now()

    assert mark_sent(claimed, known_ids=["older"], now=at)
    assert (stored(operation).sent_at, stored(operation).known_ids) == (at, ["older"])
    assert (claimed.sent_at, claimed.known_ids) == (at, ["older"])


def test_an_operation_must_not_be_sent_after_its_lease_ran_out(operation, settings):
    started = now()
    claimed = claim_operation(operation.pk, now=started)
    end = started + timedelta(seconds=settings.OPERATION_LEASE_SECONDS)

    assert not mark_sent(claimed, known_ids=[], now=end)
    assert stored(operation).sent_at is None
    assert mark_sent(claimed, known_ids=[], now=end - timedelta(milliseconds=1))


def test_an_operation_must_not_be_sent_by_a_worker_whose_claim_another_one_took(operation):
    late = claim_operation(operation.pk, now=now())
    move_to(late_copy := load_operation(operation.pk), "unknown")
    current = claim_operation(operation.pk, now=now(), again=late_copy.fence)

    assert not mark_sent(late, known_ids=[], now=now())
    assert mark_sent(current, known_ids=[], now=now())


def test_an_operation_must_not_be_sent_after_its_claim_was_ended(operation):
    claimed = claim_operation(operation.pk, now=now())
    mark_lost(load_operation(operation.pk), now=now())

    assert not mark_sent(claimed, known_ids=[], now=now())
    assert stored(operation).sent_at is None


# Transitions


def test_what_is_done_to_one_operation_leaves_another_as_it_was(operation, create):
    """Both are queued, then both sending, with the same fence."""
    claimed = claim_operation(operation.pk, now=now())
    assert (claimed.pk, stored(create).state) == (operation.pk, "queued")

    other = claim_operation(create.pk, now=now())
    mark_sent(claimed, known_ids=["older"], now=now())
    assert (other.pk, stored(create).sent_at) == (create.pk, None)

    move_to(claimed, "accepted")
    assert stored(create).state == "sending"

    Operation.objects.filter(pk=create.pk).update(state="accepted")
    schedule_look(claimed, seconds=5, now=now())
    assert stored(create).next_look_at is None


def test_a_transition_stores_the_state_the_attempt_and_the_entry_together(operation, trail):
    claimed = claim_operation(operation.pk, now=now())
    attempt = Attempt(at=now(), endpoint="/pause", outcome="Rejected", status=400)

    assert move_to(claimed, "failed", upstream_text="no way", attempt=attempt)

    row = stored(operation)
    assert (row.state, row.message, row.upstream_text) == ("failed", "Roboflow said so.", "no way")
    assert (row.lease_until, row.next_look_at) == (None, None) and row.ended_at is not None
    assert [one.status for one in row.attempts.all()] == [400]
    assert trail.actions(operation_id=str(operation.pk))[-1] == "deployment.pause.failed"


def test_a_transition_that_another_worker_overtook_writes_nothing(operation, trail):
    claimed = claim_operation(operation.pk, now=now())
    late = load_operation(operation.pk)
    move_to(claimed, "accepted")
    before = trail.actions()

    attempt = Attempt(at=now(), endpoint="/pause", outcome="ok")
    moved = move_to(late, "failed", attempt=attempt)

    assert not moved and late.state == "sending"
    assert stored(operation).state == "accepted"
    assert not Attempt.objects.exists() and trail.actions() == before


def test_a_late_worker_of_an_earlier_claim_writes_nothing(operation):
    late = claim_operation(operation.pk, now=now())
    move_to(load_operation(operation.pk), "unknown")
    claim_operation(operation.pk, now=now(), again=late.fence)

    assert stored(operation).state == late.state == "sending"  # only the fence differs
    assert not move_to(late, "failed")
    assert stored(operation).state == "sending"


def test_a_transition_that_the_drawing_does_not_have_is_refused(operation):
    assert not move_to(operation, "succeeded")
    assert stored(operation).state == "queued"


def test_a_transition_wakes_pages_and_makes_a_sync_due(operation):
    a_minute = timedelta(minutes=1)
    Workspace.objects.update(sync_due_at=now() + a_minute, sync_attempted_at=now() - a_minute)
    queued = Workspace.objects.get()
    claimed = claim_operation(operation.pk, now=now())
    sending = Workspace.objects.get()

    move_to(claimed, "accepted")

    accepted = Workspace.objects.get()
    assert queued.revision < sending.revision < accepted.revision
    assert sending.sync_due_at > now() >= accepted.sync_due_at
    assert stored(operation).accepted_at is not None


def test_unknown_has_one_entry_however_often_it_is_reached(operation, trail):
    first = claim_operation(operation.pk, now=now())
    move_to(first, "unknown")
    after_the_first = trail.actions(operation_id=str(operation.pk))
    second = claim_operation(operation.pk, now=now(), again=first.fence)
    move_to(second, "unknown")

    assert after_the_first == ["deployment.pause.requested", "deployment.pause.unknown"]
    assert trail.actions(operation_id=str(operation.pk)) == after_the_first


def test_what_an_outcome_does_not_say_is_kept(create):
    claimed = claim_operation(create.pk, now=now())
    move_to(claimed, "accepted", target_id="new-id", upstream_text="OK", next_look_at=now())
    move_to(claimed, "succeeded", next_look_at=now())

    row = stored(create)
    assert (row.target_id, row.upstream_text, row.next_look_at) == ("new-id", "OK", None)
    assert row.confirmed_at == row.ended_at


def test_a_claimed_operation_cannot_be_cancelled(operation):
    claim_operation(operation.pk, now=now())

    assert not cancel_operation(operation, by=SYSTEM, now=now())
    assert not cancel_operation(load_operation(operation.pk), by=SYSTEM, now=now())
    assert stored(operation).state == "sending"


# Lost workers and restored back-ups


def test_a_create_whose_worker_stopped_before_the_call_failed(create):
    claim_operation(create.pk, now=now())

    assert mark_lost(load_operation(create.pk), now=now())
    assert stored(create).state == "failed" and "Nothing was sent" in stored(create).message


def test_a_create_that_was_sent_just_before_it_is_given_up_stays(create):
    claimed = claim_operation(create.pk, now=now())
    read_before = load_operation(create.pk)
    mark_sent(claimed, known_ids=[], now=now())

    assert not mark_lost(read_before, now=now())
    assert stored(create).state == "sending"
    assert mark_lost(load_operation(create.pk), now=now())
    assert stored(create).state == "unknown"


def test_a_pause_whose_worker_stopped_is_unknown_and_looked_at_soon(operation):
    claim_operation(operation.pk, now=now())
    at = now()

    assert mark_lost(load_operation(operation.pk), now=at)
    assert (stored(operation).state, stored(operation).next_look_at) == ("unknown", at)


def test_a_restored_operation_is_unknown_but_an_accepted_one_stays(operation):
    claimed, at = claim_operation(operation.pk, now=now()), now()

    assert mark_restored(claimed, now=at)
    assert (stored(operation).state, stored(operation).next_look_at) == ("unknown", at)

    Operation.objects.update(state="accepted")
    assert not mark_restored(load_operation(operation.pk), now=now())
    assert stored(operation).state == "accepted"


def test_a_look_is_scheduled_only_while_the_operation_is_as_it_was_read(operation):
    at = now()
    schedule_look(operation, seconds=7, now=at)
    assert stored(operation).next_look_at == at + timedelta(seconds=7)

    Operation.objects.update(state="failed", next_look_at=None)
    schedule_look(operation, seconds=7, now=at)
    assert stored(operation).next_look_at is None


# Revisions: what an open page draws again


@pytest.mark.parametrize("step", ["claim", "fail", "dismiss", "cancel"])
def test_a_step_of_one_operation_draws_no_other_one_again(step, operation, create):
    if step == "claim":
        claim_operation(operation.pk, now=now())
    elif step == "cancel":
        assert cancel_operation(operation, by=SYSTEM, now=now())
    else:
        move_to(claim_operation(operation.pk, now=now()), "failed")
        Operation.objects.filter(pk=create.pk).update(revision=1)
        if step == "dismiss":
            assert dismiss_operation(stored(operation), by=SYSTEM, now=now())

    newest = Workspace.objects.get().revision
    assert stored(operation).revision == newest
    assert stored(create).revision < newest
