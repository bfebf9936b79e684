"""What is done to one operation changes no other one, whatever state that one is in.

The bystanders are operations of the same workspace, one in each state, with the same times as the operation
that something is done to. A statement that forgets to name its operation changes them, too.
"""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils.timezone import now

from deployments.ledger.models import Batch, Operation
from deployments.ledger.states import State
from deployments.ledger.transitions import dismiss_operation
from deployments.operations import reconcile
from deployments.operations.reconcile import look_at_operation
from deployments.operations.resolve import (
    check_operation,
    mark_resolved_by_hand,
    perform_check,
    request_check,
)
from deployments.operations.run import publish_batch, run_operation
from deployments.operations.sweep import sweep_operations
from portal.audit.origin import Origin
from tests.people import operation_of

BY = Origin(actor_name="Ana")


@pytest.fixture
def subject(ana, fleet):
    """Return a queued pause of pallet-counter."""
    return operation_of(ana.ask(fleet["pallet-counter"], "pause"))


@pytest.fixture
def bystanders(subject):
    """Return a function that makes one operation in each state beside the subject, and returns their rows."""

    def make():
        subject.refresh_from_db()
        like_it = {
            name: getattr(subject, name)
            for name in (
                "requested_at",
                "claimed_at",
                "sent_at",
                "accepted_at",
                "ended_at",
                "next_look_at",
                "fence",
            )
        }
        for state in State:
            name = f"bystander-{state}"
            Operation.objects.create(
                workspace=subject.workspace,
                kind="pause",
                target_id=name,
                target_name=name,
                actor_name="Ana",
                message="as it was",
                state=state,
                form_token=uuid4(),
                **like_it,
            )
        return read()

    def read():
        others = Operation.objects.filter(target_name__startswith="bystander-").order_by("target_name")
        return list(others.values())

    make.read = read
    return make


def set_state(operation, state, **fields):
    """Set what an operation in `state` has, as if all went well until there."""
    times = {name: now() for name in ("claimed_at", "sent_at")}
    Operation.objects.filter(pk=operation.pk).update(state=state, fence=1, **times | fields)
    operation.refresh_from_db()


def look_while_reading_works(subject, sandbox, monkeypatch):
    sandbox.settle_slowly("/pause")
    look_at_operation(subject.pk)


def look_while_reading_is_paused(subject, sandbox, monkeypatch):
    observation = reconcile.Observation(error="Roboflow does not answer.", is_paused=True)
    monkeypatch.setattr(reconcile, "fetch_observation", lambda *args, **more: observation)
    look_at_operation(subject.pk)


def look_and_find_it_done(subject, sandbox, monkeypatch):
    sandbox.change("pallet-counter", status="paused")
    look_at_operation(subject.pk)


def look_and_send_again(subject, sandbox, monkeypatch):
    monkeypatch.setattr(reconcile, "GRACE_SECONDS", -1)
    look_at_operation(subject.pk)


@pytest.mark.parametrize(
    ("look", "changed"),
    [
        (look_while_reading_works, {"message"}),
        (look_while_reading_is_paused, {"message"}),
        (look_and_find_it_done, {"state", "message"}),
        (look_and_send_again, set()),
    ],
)
def test_a_look_writes_to_the_operation_that_it_looks_at(
    look, changed, subject, bystanders, sandbox, monkeypatch, published_tasks
):
    set_state(subject, State.UNKNOWN, next_look_at=now() - timedelta(seconds=1))
    before, own = bystanders(), Operation.objects.values().get(pk=subject.pk)

    look(subject, sandbox, monkeypatch)

    assert bystanders.read() == before
    after = Operation.objects.values().get(pk=subject.pk)
    assert {name for name in ("state", "message") if own[name] != after[name]} == changed
    assert after["next_look_at"] != own["next_look_at"]


@pytest.mark.parametrize(
    "resolve",
    [
        lambda operation: check_operation(operation, by=BY, now=now()),
        lambda operation: mark_resolved_by_hand(operation, reason="seen", by=BY, now=now()),
        lambda operation: dismiss_operation(operation, by=BY, now=now()),
        lambda operation: request_check(operation, user_id=operation.actor_id, now=now()),
    ],
    ids=["checked", "marked by hand", "dismissed", "check requested"],
)
def test_what_a_person_finds_out_is_stored_with_one_operation(resolve, subject, bystanders, sandbox):
    set_state(subject, State.NEEDS_ATTENTION, ended_at=now())
    before, own = bystanders(), Operation.objects.values().get(pk=subject.pk)

    assert resolve(subject)

    assert bystanders.read() == before
    assert Operation.objects.values().get(pk=subject.pk) != own


def test_the_answer_to_one_persons_check_leaves_the_checks_of_others_waiting(subject, bystanders, ana):
    set_state(subject, State.NEEDS_ATTENTION, ended_at=now())
    bystanders()
    Operation.objects.update(check_requested_at=now(), check_requested_by=ana.user)
    before = bystanders.read()

    perform_check(subject.pk, now=now())

    assert bystanders.read() == before
    subject.refresh_from_db()
    assert subject.check_requested_at is None and subject.check_requested_by is None


def test_running_one_operation_leaves_all_others_as_they_are(subject, bystanders, sandbox, published_tasks):
    before = bystanders()

    run_operation(subject.pk, now=now())

    assert bystanders.read() == before
    assert Operation.objects.get(pk=subject.pk).state == State.ACCEPTED


def test_a_batch_publishes_its_queued_operations_by_name_and_no_others(subject, bystanders, published_tasks):
    bystanders()
    batch = Batch.objects.create(
        workspace=subject.workspace, kind="pause", actor_name="Ana", requested_at=now(), form_token=uuid4()
    )
    Operation.objects.filter(target_name__startswith="bystander-").update(batch=batch)
    published_tasks.clear()

    assert publish_batch(batch.pk) == 1

    queued = Operation.objects.get(target_name="bystander-queued")
    assert published_tasks == [("operations.run", str(queued.pk))]


def test_the_sweep_takes_for_lost_only_what_is_being_sent(subject, bystanders, published_tasks):
    long_ago = now() - timedelta(hours=1)
    set_state(subject, State.SENDING, lease_until=long_ago)
    bystanders()
    Operation.objects.update(
        lease_until=long_ago, next_look_at=now() + timedelta(seconds=30), requested_at=now()
    )
    Operation.objects.filter(target_name="bystander-sending").update(lease_until=now() + timedelta(minutes=1))
    before = bystanders.read()

    sweep_operations(now=now())

    assert bystanders.read() == before
    assert Operation.objects.get(pk=subject.pk).state == State.UNKNOWN
