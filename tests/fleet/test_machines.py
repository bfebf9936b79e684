"""Machine types: what Roboflow offers is asked for once a day, and what it says of a type is on its tile."""

from datetime import timedelta

import pytest
from django.utils.timezone import now

from deployments.fleet.machines import ASKED_AGAIN_AFTER, ASKED_EVERY, known_types, read_machine_types_if_due
from deployments.fleet.tasks import sync_workspace
from deployments.roboflow.transport import Answer
from deployments.workspaces.models import Workspace

NEW = "/w/acme-vision/deployments/new/"


def read(workspace, *, later=timedelta()):
    done = read_machine_types_if_due(workspace.pk, now=now() + later)
    workspace.refresh_from_db()
    return done


def test_a_sync_by_a_worker_asks_for_them_once_a_day(workspace, sandbox):
    sync_workspace(str(workspace.pk))
    sync_workspace(str(workspace.pk))

    assert sandbox.call_count("/machine_types") == 1
    assert not read(workspace, later=ASKED_EVERY - timedelta(minutes=1))
    assert read(workspace, later=ASKED_EVERY + timedelta(minutes=1))


@pytest.mark.parametrize("shape", ["bare", "wrapped"])
def test_what_roboflow_says_of_a_type_is_on_its_tile(shape, ana, workspace, sandbox):
    sandbox.set(list_shape=shape)

    assert read(workspace)

    page = ana.get(NEW).content.decode()
    assert workspace.machine_types["gpu-small"] in page
    assert "CPU for production. It runs until you pause or delete it." in page


def test_a_type_that_only_roboflow_lists_can_be_chosen(ana, fleet, workspace, twist, sandbox):
    twist["/machine_types"] = lambda answer: Answer(
        200, None, b'[{"name": "tpu-9", "description": "<b>1x</b>"}]'
    )

    read(workspace)

    page = ana.get(NEW).content.decode()
    assert known_types(workspace)[:4] == ["dev-cpu", "dev-gpu", "prod-cpu", "prod-gpu"]
    assert "tpu-9" in known_types(workspace) and "&lt;b&gt;1x&lt;/b&gt;." in page


@pytest.mark.parametrize("body", [b"{", b"[]x", b'{"machine_types": 5}'])
def test_without_an_answer_it_is_tried_again_an_hour_later(body, workspace, twist, sandbox):
    read(workspace)
    before = workspace.machine_types
    Workspace.objects.update(machine_types_due_at=None)
    twist["/machine_types"] = lambda answer: Answer(200, None, body)

    assert not read(workspace)

    assert workspace.machine_types == before != {}
    assert not read(workspace, later=ASKED_AGAIN_AFTER - timedelta(minutes=1))
    twist.clear()
    assert read(workspace, later=ASKED_AGAIN_AFTER + timedelta(minutes=1))


def test_a_flood_of_types_is_not_stored(workspace, twist, sandbox):
    twist["/machine_types"] = lambda answer: Answer(
        200, None, str([f"t{n}" for n in range(201)]).replace("'", '"').encode()
    )

    assert not read(workspace) and workspace.machine_types == {}


def test_a_key_in_a_description_is_masked(workspace, twist, sandbox):
    twist["/machine_types"] = lambda answer: Answer(
        200, None, b'[{"name": "x", "description": "sandbox-key-ana"}]'
    )

    read(workspace)

    assert "sandbox-key-ana" not in workspace.machine_types["x"]


def test_without_a_key_nothing_is_asked(ana, workspace, sandbox):
    ana.user.api_keys.all().delete()

    assert not read(workspace)
    assert sandbox.calls().get("/machine_types", 0) == 0


def test_a_due_time_from_before_the_clock_was_set_back_counts_as_due(workspace, sandbox):
    Workspace.objects.update(machine_types_due_at=now() + timedelta(days=400))

    assert read(workspace)
