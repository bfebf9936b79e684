"""Resolving: what is learnt after *needs attention* is stored beside the state and audited once."""

from datetime import timedelta
from uuid import uuid4

import pytest
import time_machine
from django.utils.timezone import now

from deployments.fleet.models import Deployment
from deployments.ledger.models import Operation
from deployments.operations.resolve import (
    check_operation,
    mark_resolved_by_hand,
    perform_check,
    resolve_from_fleet,
)
from deployments.roboflow.transport import Answer
from portal.audit.models import Event
from portal.audit.origin import Origin
from tests.people import operation_of
from tests.twisted import without


@pytest.fixture
def unconfirmed_pause(ana, fleet, worker, sandbox, end_window):
    """A pause that Roboflow accepted and never did: it needs attention."""
    sandbox.fault("/pause", "ignored", 1)
    operation = operation_of(ana.ask(fleet["pallet-counter"], "pause"))
    worker.run()
    end_window(operation)
    worker.look()
    operation.refresh_from_db()
    assert operation.state == "needs_attention"
    return operation


def test_a_later_sync_resolves_it_without_changing_its_end(unconfirmed_pause, worker, sandbox, trail):
    sandbox.change("pallet-counter", status="paused")
    worker.sync()

    worker.sweep()
    worker.sweep()

    unconfirmed_pause.refresh_from_db()
    assert unconfirmed_pause.state == "needs_attention"
    assert unconfirmed_pause.resolution == "A later sync showed it: Roboflow reports it as paused."
    assert trail.actions(operation_id=str(unconfirmed_pause.pk)) == [
        "deployment.pause.requested",
        "deployment.pause.needs_attention",
        "deployment.pause.resolved",
    ]


def test_a_sync_that_does_not_show_it_resolves_nothing(unconfirmed_pause, worker):
    worker.sync()
    worker.sweep()

    unconfirmed_pause.refresh_from_db()
    assert unconfirmed_pause.resolved_at is None


def test_a_delete_that_needed_attention_is_resolved_when_it_is_gone(
    ana, fleet, worker, sandbox, twist, end_window
):
    answer = ana.ask(fleet["night-shift"], "delete", confirm_name="night-shift", reason="over")
    operation = operation_of(answer)
    sandbox.fault("/delete", "ignored", 1)
    worker.run()
    end_window(operation)
    worker.look()
    twist["/list"] = without("night-shift")
    twist["/get"] = lambda answer: Answer(404, None, b"Deployment not found")

    with time_machine.travel(now() + timedelta(minutes=2)):  # longer than a list may lag behind
        worker.sync()
        worker.sweep()

    operation.refresh_from_db()
    assert operation.state == "needs_attention"
    assert operation.resolved_at
    assert operation.resolution == "A later sync showed it: Roboflow no longer has it."


def test_check_again_resolves_what_roboflow_now_shows(unconfirmed_pause, ben, sandbox, trail):
    ben.post(f"/w/acme-vision/operations/{unconfirmed_pause.pk}/check/")
    perform_check(unconfirmed_pause.pk, now=now())
    unconfirmed_pause.refresh_from_db()
    message_before = unconfirmed_pause.message

    sandbox.change("pallet-counter", status="paused")
    ben.post(f"/w/acme-vision/operations/{unconfirmed_pause.pk}/check/")
    perform_check(unconfirmed_pause.pk, now=now())

    unconfirmed_pause.refresh_from_db()
    assert message_before == "Roboflow reports it as ready. Checked again by Ben."
    assert unconfirmed_pause.resolution == "Checked again: Roboflow reports it as paused."
    assert trail.actions(actor_name="Ben", action__startswith="deployment") == ["deployment.pause.resolved"]


def test_a_person_marks_it_as_done_once_and_must_say_how(unconfirmed_pause, ana, ben, trail):
    path = f"/w/acme-vision/operations/{unconfirmed_pause.pk}/resolve/"

    without_reason = ben.post(path, {"reason": " "})
    ben.post(path, {"reason": "Paused at Roboflow's page"})
    ana.post(path, {"reason": "Me too"})

    unconfirmed_pause.refresh_from_db()
    assert without_reason.status_code == 422
    assert unconfirmed_pause.state == "needs_attention"
    assert unconfirmed_pause.resolution == "Marked as done by Ben: Paused at Roboflow's page"
    assert trail.actions(action="deployment.pause.resolved") == ["deployment.pause.resolved"]


def test_a_check_that_the_broker_did_not_take_is_found_by_the_sweep(
    unconfirmed_pause, ben, worker, monkeypatch
):
    monkeypatch.setattr("deployments.operations.views.publish", lambda *args: False)
    ben.post(f"/w/acme-vision/operations/{unconfirmed_pause.pk}/check/")
    published = []
    monkeypatch.setattr(
        "deployments.operations.sweep.publish", lambda task, pk: published.append((task, pk)) or True
    )

    worker.sweep(later=3)
    perform_check(unconfirmed_pause.pk, now=now())
    worker.sweep(later=6)

    unconfirmed_pause.refresh_from_db()
    assert published == [("operations.check_again", unconfirmed_pause.pk)]
    assert unconfirmed_pause.check_requested_at is None
    assert unconfirmed_pause.message.endswith("Checked again by Ben.")


def test_two_hundred_hopeless_operations_do_not_starve_the_next_one(unconfirmed_pause, worker, sandbox):
    hopeless = [
        Operation(
            workspace=unconfirmed_pause.workspace,
            kind="pause",
            target_name=f"gone-{number}",
            target_id=f"gone-{number}",
            actor_name="Ana",
            form_token=uuid4(),
            state="needs_attention",
            requested_at=now() - timedelta(days=1),
            ended_at=now() - timedelta(days=1),
        )
        for number in range(250)
    ]
    Operation.objects.bulk_create(hopeless)
    sandbox.change("pallet-counter", status="paused")
    worker.sync()

    worker.sweep()

    unconfirmed_pause.refresh_from_db()
    assert unconfirmed_pause.resolved_at is not None


@pytest.mark.parametrize(
    ("what", "row_values"),
    [
        ("it was reported before the operation was claimed", {"reported_at": now() - timedelta(days=1)}),
        ("it is missing in the list", {"missing_since": now()}),
        ("it is gone", {"gone_at": now()}),
        ("its status proves nothing", {"status": "ready"}),
    ],
)
def test_a_row_that_proves_nothing_resolves_nothing(what, row_values, unconfirmed_pause, worker):
    rows = Deployment.objects.filter(deployment_id=unconfirmed_pause.target_id)
    rows.update(**{"status": "paused", "reported_at": now() + timedelta(seconds=1), **row_values})

    assert resolve_from_fleet(now=now()) == 0, what


def test_a_row_that_proves_it_resolves_it_once_and_only_the_operation_it_is_about(unconfirmed_pause, worker):
    rows = Deployment.objects.filter(deployment_id=unconfirmed_pause.target_id)
    rows.update(status="paused", reported_at=now() + timedelta(seconds=1))

    assert (resolve_from_fleet(now=now()), resolve_from_fleet(now=now())) == (1, 0)


def test_what_needed_attention_more_than_a_week_ago_is_left_to_people(unconfirmed_pause, worker):
    rows = Deployment.objects.filter(deployment_id=unconfirmed_pause.target_id)
    rows.update(status="paused", reported_at=now() + timedelta(seconds=1))
    Operation.objects.update(ended_at=now() - timedelta(days=8))

    assert resolve_from_fleet(now=now()) == 0


def test_an_operation_that_ended_otherwise_is_never_resolved(unconfirmed_pause, ana, trail):
    Operation.objects.update(state="failed")
    unconfirmed_pause.refresh_from_db()

    resolved = mark_resolved_by_hand(
        unconfirmed_pause, reason="looked", by=Origin(actor_name="Ana"), now=now()
    )

    assert not resolved and Operation.objects.get().resolved_at is None
    assert "deployment.pause.resolved" not in trail.actions(operation_id=str(unconfirmed_pause.pk))


def test_the_entry_of_a_resolution_says_how_and_the_person_gets_the_finding(unconfirmed_pause, ben, sandbox):
    found = check_operation(unconfirmed_pause, by=Origin(actor_name="Ben"), now=now())
    unresolved = Operation.objects.get()
    sandbox.change("pallet-counter", status="paused")
    proof = check_operation(unresolved, by=Origin(actor_name="Ben"), now=now())

    assert found and unresolved.message == f"{found} Checked again by Ben."
    assert proof and Operation.objects.get().resolution == f"Checked again: {proof}"
    entry = Event.objects.get(action="deployment.pause.resolved")
    assert proof in entry.changes and entry.actor_name == "Ben"


def test_a_check_of_a_removed_account_is_dropped(unconfirmed_pause, ana):
    Operation.objects.update(check_requested_at=now(), check_requested_by=None)

    perform_check(unconfirmed_pause.pk, now=now())

    stored = Operation.objects.get()
    assert stored.check_requested_at is None and "Checked again" not in stored.message


@pytest.mark.parametrize(
    ("row_values", "resolved"),
    [
        ({"status": "deleted", "reported_at": timedelta(minutes=1)}, 1),
        ({"gone_at": timedelta(minutes=1)}, 1),
        ({"status": "ready", "reported_at": timedelta(minutes=1)}, 0),
        ({"status": "deleted", "reported_at": timedelta(days=-1)}, 0),
    ],
)
def test_only_a_row_that_is_gone_resolves_a_delete(row_values, resolved, ana, fleet):
    row = fleet["night-shift"]
    ana.ask(row, "delete", confirm_name="night-shift", reason="over")
    Operation.objects.update(state="needs_attention", ended_at=now())
    values = {name: now() + value if name.endswith("_at") else value for name, value in row_values.items()}
    Deployment.objects.filter(pk=row.pk).update(**values)

    assert resolve_from_fleet(now=now()) == resolved


@pytest.mark.parametrize("state", ["succeeded", "failed", "cancelled", "accepted"])
def test_a_check_of_what_no_longer_needs_attention_asks_nothing(state, unconfirmed_pause, ana, sandbox):
    Operation.objects.update(state=state, check_requested_at=now(), check_requested_by=ana.user)
    last_call = sandbox.last_call()

    perform_check(unconfirmed_pause.pk, now=now())

    assert sandbox.call_count("/get", since=last_call) == 0
    assert Operation.objects.get().check_requested_at is None
