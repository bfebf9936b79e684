"""One look at Roboflow: with whose key, what is said when nothing was learnt, and when the next look is."""

from datetime import timedelta

import pytest
from django.utils.timezone import now

from deployments.fleet.models import Deployment
from deployments.keys.models import ApiKey
from deployments.ledger.models import Operation
from deployments.operations.reconcile import fetch_observation, look_at_operation
from deployments.operations.target import ids_known_under_name, ids_seen_before
from deployments.roboflow.transport import Answer
from tests.people import operation_of


@pytest.fixture
def lost_pause(ana, ben, fleet, worker):
    """Return an unknown pause of Ana's whose next look is due. Ben has a key, too."""
    operation = operation_of(ana.ask(fleet["pallet-counter"], "pause"))
    times = dict.fromkeys(("claimed_at", "sent_at"), now())
    Operation.objects.update(state="unknown", fence=1, next_look_at=now(), **times)
    operation.refresh_from_db()
    return operation


def test_a_look_uses_the_actors_key(lost_pause, ben):
    ApiKey.objects.filter(user=ben.user).update(state="refused")

    assert fetch_observation(lost_pause).report.status == "ready"


def test_a_look_uses_another_members_key_when_roboflow_refuses_the_actors(lost_pause, sandbox):
    sandbox.fault("/get", "status", 1, status=401)

    observation = fetch_observation(lost_pause)

    assert observation.report.status == "ready"
    assert sandbox.calls()["/get"] >= 2


def test_without_a_key_that_works_a_look_says_so(lost_pause):
    ApiKey.objects.update(state="refused")
    lost_pause.key.refresh_from_db()

    assert fetch_observation(lost_pause).error == "no member has a key that works."


def test_a_deployment_that_roboflow_does_not_know_is_absent(lost_pause, twist):
    twist["/get"] = lambda answer: Answer(404, None, b"Deployment not found")

    observation = fetch_observation(lost_pause)

    assert observation.is_absent and not observation.error


def test_an_answer_that_cannot_be_read_is_told_and_proves_nothing(lost_pause, sandbox):
    sandbox.fault("/get", "html")

    look_at_operation(lost_pause.pk)

    lost_pause.refresh_from_db()
    assert lost_pause.state == "unknown"
    assert lost_pause.message.startswith("Roboflow could not be asked: ")
    assert len(lost_pause.message) > len("Roboflow could not be asked: ")


@pytest.mark.parametrize(("waited", "wait"), [(1, 1), (10, 3), (60, 10)])
def test_the_next_look_is_stored_and_published_later_the_longer_it_takes(
    waited, wait, lost_pause, sandbox, published_tasks
):
    Operation.objects.update(fence=9, sent_at=now() - timedelta(seconds=waited))

    look_at_operation(lost_pause.pk)

    lost_pause.refresh_from_db()
    assert abs((lost_pause.next_look_at - now()).total_seconds() - wait) < 0.9
    assert published_tasks == [("operations.look", str(lost_pause.pk))]


def test_what_is_sent_again_is_published_with_its_fence_and_looked_at_by_the_sweep_if_that_is_lost(
    lost_pause, sandbox, published_tasks, monkeypatch, settings
):
    monkeypatch.setattr("deployments.operations.reconcile.GRACE_SECONDS", -1)

    look_at_operation(lost_pause.pk)

    lost_pause.refresh_from_db()
    assert published_tasks == [("operations.run", str(lost_pause.pk), "1")]
    assert abs((lost_pause.next_look_at - now()).total_seconds() - settings.SWEEP_SECONDS) < 1


def test_a_lost_reply_makes_a_look_due_soon_and_publishes_it(
    ana, fleet, worker, sandbox, short_timeout, published_tasks
):
    sandbox.fault("/pause", "timeout_after", 1)
    operation = operation_of(ana.ask(fleet["pallet-counter"], "pause"))
    published_tasks.clear()

    worker.run()

    operation.refresh_from_db()
    assert operation.state == "unknown"
    assert timedelta() < operation.next_look_at - operation.sent_at < timedelta(seconds=5)
    assert published_tasks == [("operations.look", str(operation.pk))]


def test_an_accepted_change_is_looked_at_after_a_list_should_have_shown_it(ana, fleet, worker):
    operation = operation_of(ana.ask(fleet["pallet-counter"], "pause"))

    worker.run()

    operation.refresh_from_db()
    assert operation.next_look_at - operation.accepted_at >= timedelta(seconds=9)


def test_the_words_of_a_server_error_stay_with_the_operation(ana, fleet, worker, sandbox):
    sandbox.fault("/pause", "status_after", 1, status=502, text="bad gateway at the depot")
    operation = operation_of(ana.ask(fleet["pallet-counter"], "pause"))

    worker.run()

    operation.refresh_from_db()
    assert operation.state == "unknown"
    assert "bad gateway at the depot" in operation.upstream_text


def test_only_what_had_the_name_before_the_request_was_there_before(ana, fleet, worker):
    operation = operation_of(ana.create("fresh-one"))
    old, new = (
        Deployment.objects.create(
            workspace=operation.workspace,
            deployment_id=f"id-{seconds}",
            deployment_name="fresh-one",
            first_seen_at=operation.requested_at + timedelta(seconds=seconds),
            reported_at=now(),
            status_since=now(),
            gone_at=now(),
        )
        for seconds in (-60, 60)
    )

    assert ids_seen_before(operation) == [old.deployment_id]
    assert ids_known_under_name(operation) == sorted([old.deployment_id, new.deployment_id])
