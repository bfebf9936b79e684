"""The sweep: what no worker claimed, what a lost worker left, what nobody looks at."""

from datetime import timedelta

import pytest
import time_machine
from django.utils.timezone import now

from deployments.ledger.models import Operation
from deployments.ledger.transitions import claim_operation, mark_sent
from deployments.operations import sweep
from portal.queue.lease import holding_lease
from tests.people import operation_of


class Kill(BaseException):
    """Ends the worker at a chosen place, as SIGKILL does: nothing after it is done."""


@pytest.fixture
def published(monkeypatch):
    """What sweeps publish, as (task, id)."""
    tasks = []
    monkeypatch.setattr(
        sweep, "publish", lambda task, operation_id: tasks.append((task, operation_id)) or True
    )
    return tasks


def test_an_operation_that_nobody_claimed_is_published_again_after_two_seconds(ana, fleet, worker, published):
    operation = operation_of(ana.ask(fleet["pallet-counter"], "pause"))

    worker.sweep(later=1)
    early = list(published)
    worker.sweep(later=3)

    assert early == []
    assert published == [("operations.run", operation.pk)]


def test_a_worker_that_died_while_sending_is_found_by_the_sweep(
    ana, fleet, worker, sandbox, kill_after_sending
):
    operation = operation_of(ana.ask(fleet["pallet-counter"], "pause"))
    kill_after_sending(operation)
    sandbox.change("pallet-counter", status="paused")  # what the call did

    worker.sweep(later=59)
    operation.refresh_from_db()
    state_under_lease = operation.state
    worker.sweep(later=61)
    worker.drain()

    operation.refresh_from_db()
    assert (state_under_lease, operation.state) == ("sending", "succeeded")


def test_a_worker_that_wakes_after_its_lease_sends_nothing(ana, fleet, worker):
    operation = operation_of(ana.ask(fleet["pallet-counter"], "pause"))
    claimed = claim_operation(operation.pk, now=now())

    worker.sweep(later=61)

    assert not mark_sent(claimed, known_ids=[], now=now())


def test_of_two_workers_only_one_claims(ana, fleet):
    operation = operation_of(ana.ask(fleet["pallet-counter"], "pause"))

    first = claim_operation(operation.pk, now=now())
    second = claim_operation(operation.pk, now=now())

    assert first is not None
    assert second is None


def test_a_worker_killed_right_after_it_wrote_the_answer_leaves_nothing_that_nobody_looks_at(
    ana, fleet, worker, monkeypatch, published
):
    def kill(*args, **kwargs):
        raise Kill

    operation = operation_of(ana.ask(fleet["pallet-counter"], "pause"))
    monkeypatch.setattr("deployments.operations.run.publish_due_syncs", kill)
    with pytest.raises(Kill):
        worker.run()

    worker.sweep(later=11)  # by then a list should have shown the end

    assert published == [("operations.look", operation.pk)]


def test_a_look_that_is_not_due_yet_is_not_published(ana, fleet, worker, published):
    operation = operation_of(ana.ask(fleet["pallet-counter"], "pause"))
    worker.run()
    Operation.objects.filter(pk=operation.pk).update(next_look_at=now() + timedelta(seconds=30))

    worker.sweep(later=20)

    assert published == []


def test_a_clock_that_is_set_back_leaves_nothing_hanging(ana, fleet, worker, sandbox):
    sandbox.fault("/pause", "ignored", 1)
    operation = operation_of(ana.ask(fleet["pallet-counter"], "pause"))
    worker.run()
    assert takes_lease_of_sweep()

    with time_machine.travel(now() - timedelta(hours=1)):
        assert takes_lease_of_sweep()
        assert Operation.objects.get(pk=operation.pk).state == "accepted"
        worker.sweep()
        worker.look()

    operation.refresh_from_db()
    assert operation.state == "needs_attention"


def takes_lease_of_sweep():
    """Return whether the periodic task would sweep now: it needs the lease."""
    with holding_lease("operations.sweep", now=now()) as held:
        return held is not None


def test_while_hundreds_of_messages_wait_a_sweep_adds_none(ana, fleet, worker, published, monkeypatch):
    ana.ask(fleet["pallet-counter"], "pause")
    monkeypatch.setattr(sweep, "queue_length", {"act": 500}.get)
    worker.sweep(later=3)
    while_full = list(published)

    monkeypatch.setattr(sweep, "queue_length", {"act": 499}.get)
    worker.sweep(later=3)

    assert while_full == []
    assert [task for task, _ in published] == ["operations.run"]
