"""Two workspaces with the same ids and names: nothing that is done in the one changes or shows the other.

The twin is a copy of the rows of acme-vision under another workspace, with other texts. Nobody of acme-vision
is a member there. A query that forgets to name the workspace, or the deployment, finds the twin's rows, too.
"""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.forms.models import model_to_dict

from deployments.fleet.models import Deployment, ObservationGap, StatusChange
from deployments.ledger.models import Batch, Operation
from deployments.ledger.states import State
from deployments.logs.due import request_harvest
from deployments.logs.harvest import harvest_deployment
from deployments.logs.models import Harvest, Line
from deployments.workspaces.models import Workspace
from portal.audit.append import Subject, append_event
from portal.audit.origin import Origin
from portal.clock import now

MARK = "of-the-twin"
FLEET = "/w/acme-vision/"


def copied(row, **changes):
    """Return an unsaved copy of a row."""
    values = {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}
    del values[row._meta.pk.attname]
    return type(row)(**values | changes)


@pytest.fixture
def twin(fleet):
    """Return the twin of acme-vision: its deployments have the same ids and names, and other addresses."""
    workspace = copied(
        Workspace.objects.get(), slug="the-twin", roboflow_slug="the-twin", name=MARK, sync_due_at=None
    )
    workspace.save()
    moment = now() - timedelta(minutes=3)
    for original in list(fleet.values()):
        row = copied(
            original, workspace_id=workspace.pk, domain=f"{MARK}.example", creator_email=f"{MARK}@x.example"
        )
        row.save()
        StatusChange.objects.create(
            deployment=row, before=MARK, after=row.status, observed_at=moment, by=MARK
        )
        Line.objects.create(deployment=row, insert_id="line-77", timestamp=moment, payload=MARK)
        Harvest.objects.create(deployment=row, workspace=row.workspace, read_to=moment)
        Operation.objects.create(
            workspace=workspace,
            kind="pause",
            target_id=row.deployment_id,
            target_name=row.deployment_name,
            actor_name=MARK,
            reason=MARK,
            message=MARK,
            state=State.FAILED,
            form_token=uuid4(),
            requested_at=moment,
            ended_at=moment,
            revision=10**6,
        )
        about = Subject(type="deployment", name=row.deployment_name, deployment_id=row.deployment_id)
        outside = Origin(actor_name=MARK, source="outside")
        append_event(
            "deployment.pause.outside", by=outside, at=moment, about=about, workspace=workspace, reason=MARK
        )
    Batch.objects.create(
        workspace=workspace,
        kind="pause",
        actor_name=MARK,
        reason=MARK,
        requested_at=moment,
        form_token=uuid4(),
    )
    ObservationGap.objects.create(workspace=workspace, start=moment - timedelta(hours=9), end=moment)
    return workspace


def rows_of(workspace):
    """Return all rows of a workspace as they are in the database."""
    deployments = Deployment.objects.filter(workspace=workspace)
    of_deployments = {
        name: list(model.objects.filter(deployment__in=deployments).order_by("pk").values())
        for name, model in (("steps", StatusChange), ("lines", Line), ("harvests", Harvest))
    }
    of_workspace = {
        name: list(model.objects.filter(workspace=workspace).order_by("pk").values())
        for name, model in (("deployments", Deployment), ("operations", Operation), ("batches", Batch))
    }
    return of_deployments | of_workspace | {"workspace": model_to_dict(workspace)}


def test_what_is_asked_done_read_and_dismissed_here_leaves_the_twin_alone(
    twin, ana, ben, fleet, worker, sandbox
):
    before = rows_of(twin)
    one, two = fleet["pallet-counter"], fleet["line-3-inspect"]

    ana.ask(one, "pause")
    chosen = {"kind": "pause", "deployment": [two.deployment_id], "form_token": str(uuid4())}
    plan = ana.post(
        f"{FLEET}operations/batch/", {**chosen, "form_token": ""} | {"everything": "1", "query": "?"}
    )
    ana.post(f"{FLEET}operations/batch/", chosen)
    worker.drain()
    worker.sync()
    sandbox.fault("/resume", "status", 1, status=400, text="no capacity")
    ana.ask(one, "resume")
    worker.drain()
    failed = Operation.objects.filter(workspace=one.workspace, state=State.FAILED).get()
    ana.post(f"{FLEET}operations/{failed.pk}/dismiss/")
    sandbox.change("helmet-check", action="vanish")
    sandbox.change("dock-cameras", status="paused")
    worker.sync()
    request_harvest(one, since=now() - timedelta(hours=1), now=now())
    harvest_deployment(one.pk)
    ana.post(f"{FLEET}operations/{failed.pk}/again/", {"form_token": str(uuid4())})
    worker.drain()
    worker.sync()
    twin.refresh_from_db()

    assert rows_of(twin) == before
    assert all(deployment.workspace_id == one.workspace_id for deployment in plan.context["plan"].todo)
    assert Line.objects.filter(deployment=one).exists()
    assert {operation.state for operation in Operation.objects.filter(workspace=one.workspace)} == {
        State.SUCCEEDED,
        State.FAILED,
    }


def test_no_page_shows_anything_of_the_twin(twin, ana, fleet, worker):
    operation = ana.ask(fleet["pallet-counter"], "pause").headers["Location"]
    worker.drain()
    deployment = fleet["pallet-counter"].get_absolute_url()
    revision = Workspace.objects.get(slug="acme-vision").revision
    pages = [
        ana.get(path)
        for path in (
            f"{FLEET}?all=1",
            f"{FLEET}?q={MARK}",
            deployment,
            f"{deployment}?range=30d",
            f"{deployment}activity/",
            f"{deployment}logs/",
            f"{deployment}logs/?line=line-77",
            f"{deployment}pause/",
            operation,
            f"{FLEET}operations/",
            f"{FLEET}activity/",
            f"{FLEET}deployments/new/",
            f"{FLEET}palette/?find=pallet",
            f"{FLEET}team/",
        )
    ]
    news = ana.htmx(f"{FLEET}?rev={revision - 1}&may_act=1&order=x", target="fleet-news")
    exports = [
        b"".join(ana.get(f"{path}?format=jsonl"))
        for path in (FLEET, f"{FLEET}operations/", f"{FLEET}activity/")
    ]

    line = b"".join(ana.get(f"{deployment}logs/?line=line-77&only=1&format=txt"))

    assert MARK.encode() not in line
    found = [page.request["PATH_INFO"] for page in [*pages, news] if MARK.encode() in hide_query(page)]
    assert found == []
    assert {page.status_code for page in pages} == {200}
    assert all(export and MARK.encode() not in export for export in exports)


def hide_query(page):
    """Return the page without the text that was asked for, which a page repeats."""
    return page.content.replace(MARK.encode(), b"") if MARK in page.request["QUERY_STRING"] else page.content


@pytest.mark.parametrize("kind", ["pause", "resume", "delete"])
def test_a_batch_of_ids_that_the_twin_has_too_asks_for_each_once(kind, twin, ana, fleet, sandbox):
    chosen = [row.deployment_id for row in fleet.values()]
    plan = ana.post(f"{FLEET}operations/batch/", {"kind": kind, "deployment": chosen}).context["plan"]

    planned = [*plan.todo, *(skipped.deployment for skipped in plan.skipped)]
    assert sorted(one.deployment_id for one in planned) == sorted(chosen)
