"""Nothing that is long or many is cut so that the page or the trail tells something wrong."""

from datetime import timedelta
from urllib.parse import quote
from uuid import uuid4

import pytest
from django.utils.timezone import now

from deployments.fleet.models import Deployment, StatusChange
from deployments.ledger.models import Operation
from tests.people import operation_of
from tests.twisted import with_entries


def test_our_own_change_is_ours_however_many_newer_operations_exist(
    ana, fleet, worker, sandbox, trail, workspace
):
    sandbox.settle_slowly("/pause")
    operation_of(ana.ask(fleet["pallet-counter"], "pause"))
    worker.run()
    Operation.objects.bulk_create(
        Operation(
            workspace=workspace,
            kind="pause",
            target_name=f"other-{number}",
            target_id=f"other-{number}",
            actor_name="Ben",
            form_token=uuid4(),
            state="succeeded",
            requested_at=now() + timedelta(seconds=1),
            sent_at=now(),
            ended_at=now(),
        )
        for number in range(1_200)
    )
    sandbox.heal("/pause")
    sandbox.change("pallet-counter", status="paused")

    worker.sync()

    assert Deployment.objects.get(pk=fleet["pallet-counter"].pk).status == "paused"
    assert [action for action in trail.actions() if action.endswith(".outside")] == []


def test_the_list_of_steps_shows_the_newest_first_and_pages_to_the_oldest(ana, fleet):
    deployment = fleet["pallet-counter"]
    StatusChange.objects.bulk_create(
        StatusChange(
            deployment=deployment,
            before="ready",
            after="paused" if number % 2 else "ready",
            observed_at=now() - timedelta(hours=2_000 - number),
        )
        for number in range(1_200)
    )
    seen, before = [], ""

    while before is not None:
        history = ana.get(
            deployment.get_absolute_url() + (f"?before={quote(before)}" if before else "")
        ).context["history"]
        seen += [entry.at for _, entries in history.days for entry in entries]
        before = history.older or None

    assert seen == sorted(seen, reverse=True)
    assert len(seen) == deployment.timeline.count()


@pytest.mark.parametrize(("length", "is_kept"), [(100, True), (150, True), (255, True), (256, False)])
def test_ids_that_begin_alike_stay_two_deployments(length, is_kept, fleet, worker, twist):
    ids = ["i" * (length - 1) + last for last in "ab"]
    new = [
        {
            "deployment_id": one,
            "deployment_name": f"twin-{one[-1]}",
            "machine_type": "dev-cpu",
            "status": "ready",
        }
        for one in ids
    ]
    twist["/list"] = with_entries(lambda found: [*found, *new])

    workspace = worker.sync()

    stored = set(
        Deployment.objects.filter(deployment_name__startswith="twin").values_list("deployment_id", flat=True)
    )
    assert stored == (set(ids) if is_kept else set())
    assert bool(workspace.sync_bad_entries) == (not is_kept)  # refused in words instead of cut
