"""What the database says about a list: operations that explain it, and what was seen before."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils.timezone import now

from deployments.fleet.evidence import (
    EXPLAINS_FOR,
    deleters_by_id,
    explaining_operations,
    ids_written_since,
    new_names,
    statuses_left,
)
from deployments.fleet.models import Deployment, StatusChange
from deployments.ledger.models import Operation
from deployments.roboflow.parse import parse_one_deployment
from deployments.workspaces.models import Workspace


@pytest.fixture
def ask(workspace):
    """Store an operation, sent a minute ago, in any workspace."""

    def store(target_id="mine", name="name-1", kind="pause", state="succeeded", ago=60, **fields):
        at = now() - timedelta(seconds=ago)
        values = {"workspace": workspace, "actor_name": "Ana", "sent_at": at, "requested_at": at} | fields
        return Operation.objects.create(
            kind=kind, target_id=target_id, target_name=name, state=state, form_token=uuid4(), **values
        )

    return store


@pytest.fixture
def elsewhere(workspace):
    """Return another workspace."""
    return Workspace.objects.create(slug="elsewhere", roboflow_slug="elsewhere", created_at=now())


def report(deployment_id, status, name="name-1"):
    fields = f'"deployment_id": "{deployment_id}", "deployment_name": "{name}", "status": "{status}"'
    return parse_one_deployment(f"{{{fields}}}".encode())


def explaining(workspace, *, ids=(), names=()):
    return explaining_operations(workspace, set(ids), set(names), now=now())


def test_an_open_operation_explains_whatever_it_is_about(ask, workspace):
    open_one = ask("another-id", state="accepted")

    assert explaining(workspace) == [open_one]


@pytest.mark.parametrize("state", ["succeeded", "needs_attention"])
def test_an_operation_that_ended_explains_changes_of_its_own_deployment(state, ask, workspace):
    ended = ask("mine", state=state)

    assert explaining(workspace, ids=["mine"]) == [ended]
    assert explaining(workspace, ids=["other"], names=["name-1"]) == []


def test_a_create_that_does_not_know_its_id_explains_a_new_deployment_of_its_name(ask, workspace):
    create = ask("", "fresh-one", kind="create")
    ask("known", "fresh-one", kind="create")

    assert explaining(workspace, names=["fresh-one"]) == [create]
    assert explaining(workspace, names=["other-name"]) == []


@pytest.mark.parametrize("state", ["failed", "cancelled"])
def test_what_was_not_done_explains_nothing(state, ask, workspace):
    ask("mine", state=state)

    assert explaining(workspace, ids=["mine"], names=["name-1"]) == []


def test_an_operation_explains_for_a_day(ask, workspace):
    ask("mine", ago=EXPLAINS_FOR.total_seconds() + 1)
    recent = ask("mine", ago=EXPLAINS_FOR.total_seconds() - 60)

    assert explaining(workspace, ids=["mine"]) == [recent]


def test_operations_of_another_workspace_explain_nothing_here(ask, workspace, elsewhere):
    ask("mine", workspace=elsewhere)
    ask("", "fresh-one", kind="create", workspace=elsewhere)
    ask("mine", state="accepted", name="name-2", workspace=elsewhere)

    assert explaining(workspace, ids=["mine"], names=["fresh-one"]) == []


def test_the_newest_explanation_comes_first_and_none_is_left_out(ask, workspace):
    asked = [ask(f"id-{number}", f"name-{number}", ago=number) for number in range(501)]

    assert explaining(workspace, ids=[f"id-{number}" for number in range(501)]) == asked


def test_the_last_one_who_asked_for_a_delete_is_named(ask, workspace, elsewhere):
    ask("one", kind="delete", ago=90, actor_name="Ana")
    ask("one", kind="delete", ago=30, actor_name="Ben")
    ask("two", kind="pause")
    ask("three", kind="delete", state="failed")
    ask("four", kind="delete", sent_at=None, state="queued")
    ask("five", kind="delete", workspace=elsewhere)
    ask("six", kind="delete")

    assert deleters_by_id(workspace, ["one", "two", "three", "four", "five"]) == {"one": "Ben"}


def test_what_is_reported_for_the_first_time_is_new(fleet):
    known = fleet["pallet-counter"]
    reports = {
        known.deployment_id: report(known.deployment_id, "ready", "pallet-counter"),
        "new": report("new", "ready", "new-name"),
    }

    assert new_names({known.deployment_id: known}, reports) == {"new-name"}


def test_rows_that_were_written_after_a_list_was_asked_for_are_known(fleet, elsewhere):
    started = now()
    Deployment.objects.update(reported_at=started - timedelta(seconds=5))
    newer = fleet["pallet-counter"]
    Deployment.objects.filter(pk=newer.pk).update(reported_at=started + timedelta(seconds=1))
    Deployment.objects.filter(pk=fleet["night-shift"].pk).update(
        workspace=elsewhere, reported_at=started + timedelta(seconds=1)
    )

    found = ids_written_since(newer.workspace, started, now=started + timedelta(seconds=2))

    assert found == {newer.deployment_id}


@pytest.fixture
def left(fleet):
    """Return the statuses that pallet-counter left since ten minutes ago; it is paused since a minute ago."""
    since, until = now() - timedelta(minutes=10), now()
    row = fleet["pallet-counter"]
    row.status, row.status_since = "paused", until - timedelta(minutes=1)
    row.save()

    StatusChange.objects.all().delete()

    def ask(listed, changed=True, steps=(("ready", 1),)):
        for before, minutes in steps:
            at = until - timedelta(minutes=minutes)
            StatusChange.objects.create(deployment=row, before=before, after="paused", observed_at=at)
        StatusChange.objects.create(
            deployment=fleet["night-shift"], before="of-another", after="ready", observed_at=until
        )
        reports = {row.deployment_id: report(row.deployment_id, listed)}
        ids = {row.deployment_id} if changed else set()
        return statuses_left({row.deployment_id: row}, reports, changed=ids, since=since, until=until).get(
            row.deployment_id, set()
        )

    return ask


def test_a_listed_status_that_was_left_meanwhile_is_known(left):
    assert left("ready") == {"ready"}


def test_nothing_is_asked_about_a_row_that_agrees_or_did_not_change(left):
    assert left("paused") == set()
    assert left("ready", changed=False) == set()


def test_only_steps_between_the_two_times_count(left):
    assert left("ready", steps=[("long ago", 11), ("in time", 5), ("in the future", -1)]) == {"in time"}
