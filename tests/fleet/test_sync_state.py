"""What a sync writes about itself: unreadable entries, failures and pauses, and what wakes open pages."""

from datetime import timedelta

import pytest
from django.utils.timezone import now

from deployments.fleet.models import Deployment
from deployments.fleet.sync import sync_workspace
from deployments.fleet.sync_state import (
    bad_entries,
    is_starting,
    partial_entries,
    record_failure,
    settling_seconds,
)
from deployments.ledger.models import Operation
from deployments.roboflow.schema import BadEntry, DeploymentList
from deployments.workspaces.models import Workspace
from tests.people import operation_of


def answer_with(count, text="broken"):
    return DeploymentList([], [BadEntry(index, "It has no id.", text) for index in range(count)])


def failed(message, upstream_text=""):
    """Record a failure on the workspace as it is now, and return it as it is then."""
    record_failure(Workspace.objects.get(), message, upstream_text=upstream_text, now=now())
    return Workspace.objects.get()


@pytest.mark.parametrize(
    ("count", "named", "more"),
    [(0, 0, ""), (1, 1, ""), (20, 20, ""), (21, 20, "and 1 more that could not be read")],
)
def test_twenty_unreadable_entries_are_named_and_of_the_others_the_number(count, named, more):
    entries = bad_entries(answer_with(count))

    assert [one["index"] for one in entries if "index" in one] == list(range(named))
    assert [one["why"] for one in entries[named:]] == ([more] if more else [])


def test_of_an_unreadable_entry_five_hundred_characters_are_kept():
    (entry,) = bad_entries(answer_with(1, text="x" * 501))

    assert entry == {"index": 0, "why": "It has no id.", "text": "x" * 500}


@pytest.mark.parametrize(
    ("count", "named", "more"), [(0, 0, ""), (20, 20, ""), (23, 20, "and 3 more that lacked values")]
)
def test_twenty_partial_deployments_are_named_and_of_the_others_the_number(count, named, more, workspace):
    at = now()
    for number in range(count + 1):
        Deployment.objects.create(
            workspace=workspace,
            deployment_id=f"id-{number}",
            deployment_name=f"name-{number:02}",
            partial_fields="" if number == count else "domain,status",  # the last one is complete
            first_seen_at=at,
            reported_at=at,
            status_since=at,
        )

    whys = [one["why"] for one in partial_entries(workspace)]

    assert whys[:named] == [
        f"name-{number:02} was reported without domain, status: the known values are kept"
        for number in range(named)
    ]
    assert whys[named:] == ([more] if more else [])


def test_a_deployment_that_is_gone_is_not_named_as_partial(fleet, workspace):
    Deployment.objects.filter(pk=fleet["pallet-counter"].pk).update(partial_fields="domain", gone_at=now())

    assert partial_entries(workspace) == []


def test_only_the_first_failure_and_another_text_wake_open_pages(fleet, workspace):
    before = Workspace.objects.get().revision

    first, same = failed("It is away.", "503"), failed("It is away.", "503")
    other_text = failed("It is away.", "504")

    assert (first.revision, same.revision, other_text.revision) == (before + 1, before + 1, before + 2)
    assert other_text.sync_failures == 3
    assert first.sync_failed_since == same.sync_failed_since == other_text.sync_failed_since


@pytest.mark.parametrize(
    ("fields", "moves"),
    [
        ({"status": "pending"}, True),
        ({"status": "ready"}, False),
        ({"status": "pending", "gone_at": now()}, False),
    ],
)
def test_a_workspace_moves_while_a_deployment_starts(fields, moves, fleet, workspace):
    Deployment.objects.update(status="paused")
    Deployment.objects.filter(pk=fleet["pallet-counter"].pk).update(**fields)

    assert is_starting(workspace) is moves


def test_a_workspace_moves_while_an_operation_is_open(ana, fleet, workspace, settings, monkeypatch):
    settings.SYNC_ACTIVE_SECONDS, settings.SYNC_IDLE_SECONDS = 5, 60
    operation_of(ana.ask(fleet["pallet-counter"], "pause"))
    Workspace.objects.update(watched_until=None)
    monkeypatch.setattr("deployments.fleet.sync_state.is_starting", lambda workspace: False)

    waits = []
    for state in ("queued", "succeeded"):
        Operation.objects.update(state=state)
        at = now()
        sync_workspace(workspace.pk)
        waits.append(round((Workspace.objects.get().sync_due_at - at).total_seconds()))

    assert waits == [5, 60]


def test_the_newest_accepted_operation_says_how_long_the_list_has_lagged(ana, fleet, workspace):
    at = now()
    assert settling_seconds(workspace, now=at) is None
    for name, seconds in (("pallet-counter", 40), ("line-3-inspect", 7)):
        operation = operation_of(ana.ask(fleet[name], "pause"))
        Operation.objects.filter(pk=operation.pk).update(
            state="accepted", accepted_at=at - timedelta(seconds=seconds)
        )

    assert settling_seconds(workspace, now=at) == 7
    assert settling_seconds(workspace, now=at - timedelta(seconds=20)) == 20  # by a clock that was set back
    Operation.objects.update(state="unknown")
    assert settling_seconds(workspace, now=at) is None


def test_what_happens_in_another_workspace_says_nothing_about_this_one(ana, fleet, workspace):
    Deployment.objects.update(status="ready")
    operation = operation_of(ana.ask(fleet["pallet-counter"], "pause"))
    other = Workspace.objects.create(slug="elsewhere", roboflow_slug="elsewhere", created_at=now())
    Operation.objects.filter(pk=operation.pk).update(
        workspace=other, state="accepted", accepted_at=now() - timedelta(seconds=5)
    )
    Deployment.objects.filter(pk=fleet["pallet-counter"].pk).update(workspace=other, status="pending")

    assert not is_starting(workspace)
    assert settling_seconds(workspace, now=now()) is None


def test_a_failure_is_stored_with_its_own_workspace(workspace):
    other = Workspace.objects.create(slug="elsewhere", roboflow_slug="elsewhere", created_at=now())

    record_failure(workspace, "It is away.", upstream_text="503", now=now())

    other.refresh_from_db()
    workspace.refresh_from_db()
    assert (workspace.sync_error_reading, other.sync_error_reading) == ("It is away.", "")
