"""Resolving: what is learnt after *needs attention* is stored beside the state and audited once."""

from datetime import timedelta
from uuid import uuid4

import pytest
import time_machine
from django.utils.timezone import now

from deployments.ledger.models import Operation
from deployments.operations.resolve import perform_check
from deployments.roboflow.transport import Answer
from tests.people import operation_of
from tests.twisted import with_entries


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
    twist["/list"] = with_entries(
        lambda found: [one for one in found if one["deployment_name"] != "night-shift"]
    )
    twist["/get"] = lambda answer: Answer(404, None, b"Deployment not found")

    with time_machine.travel(now() + timedelta(minutes=2)):  # longer than a list may lag behind
        worker.sync()
        worker.sweep()

    operation.refresh_from_db()
    assert operation.state == "needs_attention"
    assert operation.resolved_at


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
