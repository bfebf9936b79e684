"""Batches: one operation for each deployment that can be changed, a reason for each that is skipped."""

import re
from uuid import uuid4

import pytest

from deployments.fleet.models import Deployment
from deployments.ledger.kinds import Kind
from deployments.ledger.models import Operation
from deployments.operations.batch import plan_batch, why_skipped
from deployments.operations.run import publish_batch

PATH = "/w/acme-vision/operations/batch/"


@pytest.mark.parametrize(
    ("kind", "status", "is_busy", "why"),
    [
        (Kind.PAUSE, "ready", False, ""),
        (Kind.PAUSE, "paused", False, "is paused already"),
        (Kind.PAUSE, "a word of next year", False, ""),
        (Kind.PAUSE, "ready", True, "has another operation that has not ended"),
        (Kind.PAUSE, "deleted", True, "is deleted"),
        (Kind.RESUME, "paused", False, ""),
        (Kind.RESUME, "ready", False, "is ready, not paused"),
        (Kind.DELETE, "failed", False, ""),
        (Kind.DELETE, "expired", False, "is expired"),
    ],
)
def test_a_change_is_impossible_for_a_reason(kind, status, is_busy, why):
    assert why_skipped(kind, Deployment(status=status), is_busy=is_busy) == why


def test_a_plan_skips_what_has_an_open_operation(ana, fleet):
    ana.ask(fleet["pallet-counter"], "pause")

    plan = plan_batch(Kind.PAUSE, [fleet["pallet-counter"], fleet["line-3-inspect"]])

    assert plan.todo == [fleet["line-3-inspect"]]
    assert [skipped.deployment for skipped in plan.skipped] == [fleet["pallet-counter"]]


def test_a_batch_is_one_operation_each_and_says_what_it_skips(ana, fleet, worker, sandbox):
    chosen = [fleet[name].deployment_id for name in ("pallet-counter", "line-3-inspect", "night-shift")]
    page = ana.post(PATH, {"kind": "pause", "deployment": chosen})
    body = {"kind": "pause", "deployment": chosen, "form_token": str(uuid4()), "reason": "weekend"}

    ana.post(PATH, body)
    ana.post(PATH, body)
    worker.drain()

    assert "night-shift: is paused already" in page.content.decode()
    assert sorted(entry["deployment_name"] for entry in sandbox.journal("/pause")) == [
        "line-3-inspect",
        "pallet-counter",
    ]
    assert set(Operation.objects.values_list("target_name", "batch", "reason")) == {
        (name, Operation.objects.first().batch, "weekend") for name in ("line-3-inspect", "pallet-counter")
    }


@pytest.mark.parametrize(
    "fields", [{"reason": "over"}, {"reason": "over", "confirm": "yes"}, {"confirm": "delete"}]
)
def test_deleting_several_needs_a_reason_and_the_word(fields, ana, fleet):
    chosen = [fleet["night-shift"].deployment_id]
    body = {"kind": "delete", "deployment": chosen, "form_token": str(uuid4())}

    refused = ana.post(PATH, body | fields)
    refused_count = Operation.objects.count()
    ana.post(PATH, body | {"reason": "over", "confirm": "delete"})

    assert refused.status_code == 422
    assert (refused_count, Operation.objects.count()) == (0, 1)


@pytest.mark.parametrize("kind", ["create", "explode", ""])
def test_a_batch_of_no_proper_kind_leads_back_to_the_fleet(kind, ana, fleet):
    answer = ana.post(PATH, {"kind": kind, "deployment": [fleet["night-shift"].deployment_id]})

    assert answer.headers["Location"] == "/w/acme-vision/"
    assert not Operation.objects.exists()


def choose(count):
    return list(
        Deployment.objects.filter(gone_at=None, deployment_name__startswith="bulk-")
        .order_by("deployment_name")
        .values_list("deployment_id", flat=True)[:count]
    )


def hidden_ids(page):
    return re.findall(r'name="deployment" value="([^"]+)"', page.content.decode())


@pytest.mark.parametrize("count", [150, 500])
def test_all_that_were_chosen_are_on_the_page_and_requested(count, ana, worker, sandbox):
    sandbox.grow(700)
    worker.sync()
    chosen = choose(count)

    page = ana.post(PATH, {"kind": "delete", "deployment": chosen})
    ids = hidden_ids(page)
    body = {"kind": "delete", "reason": "over", "confirm": "delete", "form_token": str(uuid4())}
    answer = ana.post(PATH, body | {"deployment": ids})

    assert sorted(ids) == sorted(chosen)
    assert answer.status_code == 303
    assert Operation.objects.filter(kind="delete").count() == count


def test_of_more_than_five_hundred_the_page_says_how_many_are_left_out(ana, worker, sandbox):
    sandbox.grow(1000)
    worker.sync()
    chosen = choose(1000)
    assert len(chosen) > 900

    page = ana.post(PATH, {"kind": "delete", "deployment": chosen})
    body = {"kind": "delete", "reason": "over", "confirm": "delete", "form_token": str(uuid4())}
    all_at_once = ana.post(PATH, body | {"deployment": chosen})

    assert page.status_code == 200
    assert hidden_ids(page) == choose(500)
    assert f"You chose {len(chosen)} deployments" in page.content.decode()
    assert f"{len(chosen) - 500} are left out" in " ".join(page.content.decode().split())
    assert all_at_once.status_code == 422
    assert "At most 500 deployments can be changed at once. Nothing was done." in all_at_once.content.decode()
    assert not Operation.objects.exists()


def test_a_batch_is_one_message_and_its_worker_runs_each_operation(
    ana, fleet, worker, published_tasks, django_capture_on_commit_callbacks
):
    chosen = [fleet[name].deployment_id for name in ("pallet-counter", "line-3-inspect")]
    with django_capture_on_commit_callbacks(execute=True):
        ana.post(PATH, {"kind": "pause", "deployment": chosen, "form_token": str(uuid4()), "reason": "x"})
    batch = Operation.objects.first().batch
    messages = list(published_tasks)
    published_tasks.clear()

    assert publish_batch(batch) == 2

    assert messages == [("operations.run_batch", str(batch))]
    assert {ids[0] for task, *ids in published_tasks if task == "operations.run"} == {
        str(pk) for pk in Operation.objects.values_list("pk", flat=True)
    }


def test_all_that_match_the_filters_can_be_chosen_without_ticking_each(ana, fleet):
    body = {"kind": "pause", "everything": "1", "query": "?q=pallet", "deployment": ["not-one-of-them"]}

    everything = ana.post(PATH, body | {"query": "?"})
    matching = ana.post(PATH, body)

    assert [one.deployment_name for one in matching.context["plan"].todo] == ["pallet-counter"]
    live = Deployment.objects.filter(workspace=fleet["pallet-counter"].workspace).live()
    assert everything.context["count"] == live.count() > 1
