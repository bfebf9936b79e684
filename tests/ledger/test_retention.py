"""How long operations stay; the trail keeps its entries about them."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils.timezone import now

from deployments.ledger.models import Attempt, Batch, Operation
from deployments.ledger.retention import remove_old_operations
from portal.audit.models import Event
from portal.web import many_rows

DAY = timedelta(days=1)


@pytest.fixture
def ended(ana, fleet):
    """Return a function that stores an operation with one attempt that ended so many days ago."""

    def store(days, state="succeeded", **fields):
        at = now() - days * DAY
        operation = Operation.objects.create(
            workspace=fleet["pallet-counter"].workspace,
            target_name=f"of {days} days",
            kind="pause",
            actor_name="Ana",
            form_token=uuid4(),
            state=state,
            requested_at=at,
            **{"ended_at": at, **fields},
        )
        Attempt.objects.create(operation=operation, at=at, endpoint="/pause", outcome="ok")
        return operation

    return store


def names():
    return sorted(Operation.objects.values_list("target_name", flat=True))


def test_operations_go_with_their_attempts_when_they_are_too_old_and_not_before(ended, settings):
    settings.HISTORY_RETENTION_DAYS = 100
    for days in (99, 101, 500):
        ended(days)

    removed = remove_old_operations(now=now())

    assert removed == 2
    assert names() == ["of 99 days"]
    assert Attempt.objects.count() == 1
    assert remove_old_operations(now=now()) == 0


@pytest.mark.parametrize("state", ["queued", "sending", "accepted", "unknown"])
def test_what_has_not_ended_stays_however_old_it_is(state, ended):
    ended(5000, state, ended_at=None)

    assert remove_old_operations(now=now()) == 0


@pytest.mark.parametrize(
    ("fields", "removed"), [({}, 0), ({"resolved_at": now()}, 1), ({"dismissed_at": now()}, 1)]
)
def test_what_needs_attention_stays_until_somebody_has_dealt_with_it(fields, removed, ended):
    ended(5000, "needs_attention", **fields)

    assert remove_old_operations(now=now()) == removed


def test_a_batch_goes_with_its_last_operation(ended, ana, fleet, settings):
    settings.HISTORY_RETENTION_DAYS = 100
    workspace = fleet["pallet-counter"].workspace
    batches = [
        Batch.objects.create(
            workspace=workspace,
            kind="pause",
            actor_name="Ana",
            requested_at=now() - 101 * DAY,
            form_token=uuid4(),
        )
        for _ in range(2)
    ]
    ended(101, batch=batches[0])
    ended(101.5, batch=batches[1])
    ended(99, batch=batches[1])  # it ended later than the others

    remove_old_operations(now=now())

    assert list(Batch.objects.all()) == [batches[1]]


def test_many_go_few_at_a_time_and_the_next_run_goes_on(ended, monkeypatch):
    monkeypatch.setattr(many_rows, "DELETED_AT_ONCE", 2)
    monkeypatch.setattr(many_rows, "DELETED_IN_A_RUN", 4)
    for number in range(7):
        ended(1000 + number)

    removed = [remove_old_operations(now=now()) for _ in range(3)]

    assert removed == [4, 3, 0]


def test_the_trail_keeps_its_entries_and_the_page_says_why_the_operation_is_not_there(
    ana, fleet, worker, settings
):
    ana.ask(fleet["pallet-counter"], "pause")
    worker.drain()
    operation, told = Operation.objects.get(), Event.objects.count()
    Operation.objects.update(ended_at=now() - 401 * DAY)

    remove_old_operations(now=now())

    page = ana.get(operation.get_absolute_url())
    assert page.status_code == 404
    assert "keeps operations for 400 days" in page.content.decode()
    assert Event.objects.count() == told
    assert "pallet-counter" in ana.get("/w/acme-vision/activity/").content.decode()
