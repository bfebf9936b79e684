"""What a transition leaves in the trail and the log: who, about what, why; and dismissal."""

import pytest
import structlog
from django.utils.timezone import now

from deployments.ledger.models import Operation, OperationQuerySet
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
    transition,
)
from deployments.workspaces.models import Workspace
from portal.audit.models import Event
from portal.audit.origin import Origin
from tests.people import operation_of

BEN = Origin(actor_name="Ben")


@pytest.fixture
def operation(ana, fleet):
    """A pause of Ana's, claimed."""
    asked = operation_of(ana.ask(fleet["pallet-counter"], "pause", reason="night"))
    return claim_operation(asked.pk, now=now())


def move_to(operation, state, message="Roboflow said so."):
    return transition(operation, State(state), outcome=Outcome(message=message), now=now())


def test_an_entry_has_the_deployment_the_workspace_the_reason_and_what_is_known(operation, fleet):
    move_to(operation, "failed")

    event = Event.objects.get(action="deployment.pause.failed")
    row = fleet["pallet-counter"]
    assert (event.object_type, event.object_id, event.object_name) == (
        "deployment",
        row.deployment_id,
        row.deployment_name,
    )
    assert (event.deployment_id, event.operation_id) == (row.deployment_id, str(operation.pk))
    assert (event.workspace_name, event.reason) == ("acme-vision", "night")
    assert event.changed == {"message": [None, "Roboflow said so."]}


def test_an_entry_names_the_person_who_asked_unless_another_caused_it(ana, fleet, trail):
    asked = operation_of(ana.ask(fleet["pallet-counter"], "pause", reason="night"))

    assert cancel_operation(load_operation(asked.pk), by=BEN, now=now())

    assert trail.about(fleet["pallet-counter"]) == [
        ("Ana", "deployment.pause.requested", "night"),
        ("Ben", "deployment.pause.cancelled", "night"),
    ]
    assert "Ben" in load_operation(asked.pk).message


def test_an_entry_without_a_message_names_no_change(operation, trail):
    move_to(operation, "failed")

    assert dismiss_operation(operation, by=BEN, now=now())

    event = Event.objects.get(action="deployment.pause.dismissed")
    assert (event.actor_name, event.reason, event.changed) == ("Ben", "night", {})


@pytest.mark.parametrize("was_sent", [True, False])
def test_the_portal_itself_gives_up_a_worker_that_was_lost(was_sent, ana, fleet, trail):
    asked = operation_of(ana.create("brand-new"))
    claimed = claim_operation(asked.pk, now=now())
    if was_sent:
        mark_sent(claimed, known_ids=[], now=now())

    mark_lost(load_operation(asked.pk), now=now())

    event = Event.objects.get(action__in=("deployment.create.failed", "deployment.create.unknown"))
    assert (event.source, event.actor_name) == ("system", "the portal")
    assert event.outcome == ("unknown" if was_sent else "failed")


def test_the_portal_itself_doubts_what_a_back_up_brought_back(operation):
    mark_restored(operation, now=now())

    assert Event.objects.get(action="deployment.pause.unknown").source == "system"


def test_each_committed_state_is_a_line_of_the_log_with_the_ids_that_the_trail_has(
    operation, django_capture_on_commit_callbacks
):
    Operation.objects.update(request_id="r1")
    operation.refresh_from_db()
    with structlog.testing.capture_logs() as logged, django_capture_on_commit_callbacks(execute=True):
        move_to(operation, "accepted")

    (line,) = [one for one in logged if one["event"] == "operation"]
    assert (line["state"], line["kind"], line["name"]) == ("accepted", "pause", "pallet-counter")
    assert (line["operation_id"], line["request_id"]) == (str(operation.pk), "r1")
    assert line["message"] == "Roboflow said so."


@pytest.mark.parametrize("state", ["failed", "needs_attention"])
def test_an_unsuccessful_operation_is_dismissed_once(state, operation, trail):
    Operation.objects.update(state=state)
    operation.refresh_from_db()
    read_before, revision, at = load_operation(operation.pk), Workspace.objects.get().revision, now()

    assert dismiss_operation(operation, by=BEN, now=at)
    assert not dismiss_operation(read_before, by=BEN, now=now())

    stored = Operation.objects.get(pk=operation.pk)
    assert stored.dismissed_at == operation.dismissed_at == at
    assert Workspace.objects.get().revision == revision + 1
    assert trail.actions(action__endswith="dismissed") == ["deployment.pause.dismissed"]


@pytest.mark.parametrize("state", ["queued", "accepted", "unknown", "succeeded", "cancelled"])
def test_what_is_open_or_needs_no_attention_is_not_dismissed(state, operation, trail):
    Operation.objects.update(state=state)

    assert not dismiss_operation(load_operation(operation.pk), by=BEN, now=now())
    assert Operation.objects.get(pk=operation.pk).dismissed_at is None


def test_what_another_operation_needs_says_nothing_about_this_one(operation, ana, fleet):
    other = operation_of(ana.ask(fleet["line-3-inspect"], "pause"))
    Operation.objects.filter(pk=operation.pk).update(state="succeeded")
    Operation.objects.filter(pk=other.pk).update(state="failed")

    assert not dismiss_operation(load_operation(operation.pk), by=BEN, now=now())
    assert dismiss_operation(load_operation(other.pk), by=BEN, now=now())
    assert Operation.objects.get(pk=operation.pk).dismissed_at is None


def test_of_two_people_who_dismiss_at_once_one_does(operation, trail, monkeypatch):
    Operation.objects.update(state="failed")
    read_before = load_operation(operation.pk)
    dismiss_operation(operation, by=BEN, now=now())
    monkeypatch.setattr(OperationQuerySet, "unsettled", lambda rows: rows)  # as it was read before

    assert not dismiss_operation(read_before, by=BEN, now=now())
    assert trail.actions(action__endswith="dismissed") == ["deployment.pause.dismissed"]
