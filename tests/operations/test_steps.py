"""The steps on an operation's page, the last of which is that the deployment is ready."""

from datetime import timedelta

import pytest

from deployments.fleet.models import Deployment, StatusChange
from deployments.ledger.models import Operation
from deployments.ledger.states import State
from deployments.operations.steps import deployment_of, steps_of
from portal.clock import now
from tests.people import operation_of

FORM = {
    "deployment_name": "fresh-one",
    "machine_type": "dev-cpu",
    "duration": "3",
    "creator_email": "ana@example.com",
}


def steps(operation):
    operation = Operation.objects.get(pk=operation.pk)
    return {step.name: step for step in steps_of(operation, deployment_of(operation))}


@pytest.fixture
def paused(fleet):
    """A paused deployment that Ana's resume made pending a minute ago."""
    row = fleet["night-shift"]
    row.timeline.update(observed_at=now() - timedelta(hours=1))
    moment = now() - timedelta(minutes=1)
    Deployment.objects.filter(pk=row.pk).update(status="pending")
    StatusChange.objects.create(deployment=row, before="paused", after="pending", observed_at=moment)
    operation = Operation.objects.create(
        workspace=row.workspace,
        kind="resume",
        target_id=row.deployment_id,
        target_name=row.deployment_name,
        actor_name="Ana",
        state=State.SUCCEEDED,
        form_token="6e0b7a34-2f0e-4a4e-9b53-0d6d2ac6ed3c",
        requested_at=moment - timedelta(seconds=3),
        sent_at=moment - timedelta(seconds=2),
        accepted_at=moment - timedelta(seconds=1),
        confirmed_at=moment,
        ended_at=moment,
    )
    return row, operation


def test_a_pause_has_no_step_ready(ana, fleet, worker):
    operation = operation_of(ana.ask(fleet["pallet-counter"], "pause"))
    worker.drain()

    assert list(steps(operation)) == ["Requested", "Sent", "Accepted", "Confirmed"]


def test_while_it_starts_the_last_step_says_so_and_the_page_says_neither_succeeded_nor_done(ana, paused):
    _, operation = paused

    ready = steps(operation)["Ready"]
    page = ana.get(operation.get_absolute_url()).content.decode()
    main = page.split("<main")[1].split("</main>")[0]

    assert ready.at is None and ready.note.startswith("starting")
    assert (
        "Starting" in main
        and "succeeded" not in main.lower()
        and "done" not in main.replace("is-done", "").lower()
    )
    assert "data-tell-ready" in main


def test_a_real_create_says_neither_while_roboflow_starts_it(ana, fleet, worker):
    operation = operation_of(ana.create("fresh-one"))
    worker.drain()

    answer = ana.get(operation.get_absolute_url())
    main = answer.content.decode().split("<main")[1].split("</main>")[0]

    assert answer.context["told"].is_starting
    assert "succeeded" not in main.lower() and "done" not in main.replace("is-done", "").lower()


@pytest.mark.parametrize(
    ("name", "kind", "offered"), [("night-shift", "resume", True), ("pallet-counter", "pause", False)]
)
def test_a_person_can_ask_to_be_told_from_the_first_moment_of_a_start(ana, fleet, name, kind, offered):
    operation = operation_of(ana.ask(fleet[name], kind))  # nobody sent it yet

    for address in (operation.get_absolute_url(), fleet[name].get_absolute_url()):
        page = ana.get(address).content.decode()
        assert (f'data-tell-ready="{operation.pk}"' in page) is offered


def test_the_usual_time_is_told_where_the_team_has_seen_such_a_start(paused):
    row, operation = paused
    for age, after in ((600, "pending"), (510, "ready")):
        moment = now() - timedelta(days=1, seconds=age)
        before = "pending" if after == "ready" else "paused"
        StatusChange.objects.create(deployment=row, before=before, after=after, observed_at=moment)

    assert steps(operation)["Ready"].note == "starting, usually 1 min"


def test_ready_has_the_time_at_which_the_portal_saw_it(paused):
    row, operation = paused
    moment = now() - timedelta(seconds=5)
    StatusChange.objects.create(deployment=row, before="pending", after="ready", observed_at=moment)
    StatusChange.objects.create(deployment=row, before="ready", after="paused", observed_at=now())

    assert steps(operation)["Ready"].at == moment


@pytest.mark.parametrize("status", ["failed", "paused", "gone"])
def test_what_became_of_it_instead_is_told(status, paused):
    row, operation = paused
    StatusChange.objects.create(deployment=row, before="pending", after=status, observed_at=now())

    ready = steps(operation)["Ready"]

    assert ready.at is None and ready.note == f"not reached: it became {status}" and ready.is_bad


def test_an_operation_that_failed_ends_its_steps_with_that(ana, fleet, worker, sandbox):
    sandbox.fault("/pause", "status", 1, status=400, text="no capacity")
    operation = operation_of(ana.ask(fleet["pallet-counter"], "pause"))
    worker.drain()

    found = steps(operation)

    assert list(found) == ["Requested", "Sent", "Failed"] and found["Failed"].is_bad


def test_a_create_that_roboflow_has_not_named_yet_waits_for_every_step(ana, fleet):
    operation = operation_of(
        ana.post(
            "/w/acme-vision/deployments/new/", FORM | {"form_token": "6e0b7a34-2f0e-4a4e-9b53-0d6d2ac6ed3d"}
        )
    )

    found = steps(operation)

    assert [step.at is None for step in found.values()] == [False, True, True, True, True]
    assert found["Ready"].note == ""
