"""Batches: one operation for each deployment that can be changed, a reason for each that is skipped."""

from uuid import uuid4

import pytest

from deployments.fleet.models import Deployment
from deployments.ledger.kinds import Kind
from deployments.ledger.models import Operation
from deployments.operations.batch import plan_batch, why_skipped

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
