"""Asking for a change: once, whoever clicks, however often."""

from uuid import uuid4

from deployments.fleet.models import Deployment
from deployments.ledger.models import Operation
from deployments.operations.forms import version_order
from tests.people import operation_of


def test_a_pause_goes_all_the_way(ana, fleet, worker, sandbox, trail):
    operation = operation_of(ana.ask(fleet["pallet-counter"], "pause", reason="night"))

    worker.drain()

    operation.refresh_from_db()
    assert operation.state == "succeeded", operation.message
    assert [entry["deployment_name"] for entry in sandbox.journal("/pause")] == ["pallet-counter"]
    assert trail.about(fleet["pallet-counter"]) == [
        ("Ana", "deployment.pause.requested", "night"),
        ("Ana", "deployment.pause.succeeded", "night"),
    ]


def test_a_second_post_of_the_same_form_returns_the_first_operation(ana, fleet, trail):
    token = str(uuid4())

    first = ana.ask(fleet["pallet-counter"], "pause", form_token=token)
    second = ana.ask(fleet["pallet-counter"], "pause", form_token=token)

    assert operation_of(first) == operation_of(second)
    assert trail.actions(action__startswith="deployment.pause") == ["deployment.pause.requested"]


def test_a_form_posted_again_after_all_is_done_returns_the_first_operation(ana, fleet, worker, trail):
    """Its answer was lost. That the name is taken now, or the deployment deleted, is what the first post brought about."""
    posts = [
        lambda token: ana.create("brand-new", form_token=token),
        lambda token: ana.ask(
            fleet["night-shift"], "delete", confirm_name="night-shift", reason="over", form_token=token
        ),
    ]
    for post in posts:
        token = str(uuid4())
        first = operation_of(post(token))
        worker.drain()
        trail_before = len(trail.actions())

        second = operation_of(post(token))

        first.refresh_from_db()
        assert second == first and first.state == "succeeded"
        assert len(trail.actions()) == trail_before


def test_the_token_of_a_form_is_its_owners_alone(ana, ben, fleet, worker):
    token = str(uuid4())
    first = operation_of(ana.ask(fleet["pallet-counter"], "pause", form_token=token))
    worker.drain()

    second = operation_of(ben.ask(fleet["pallet-counter"], "pause", form_token=token))

    assert second != first and second.actor_name == "Ben"


def test_a_form_without_a_proper_token_asks_for_nothing(ana, fleet):
    for token in ("odd", "", "0" * 33):
        assert ana.create("odd-one", form_token=token).status_code == 422
    assert not Operation.objects.exists()


def test_two_people_deleting_at_once_stand_on_one_operation(ana, ben, fleet, worker, sandbox, trail):
    night_shift = fleet["night-shift"]

    first = ana.ask(night_shift, "delete", confirm_name="night-shift", reason="project over")
    second = ben.ask(night_shift, "delete", confirm_name="night-shift", reason="saving credits")
    worker.drain()

    assert operation_of(second) == operation_of(first)
    assert trail.about(night_shift) == [
        ("Ana", "deployment.delete.requested", "project over"),
        ("Ben", "deployment.delete.refused", "saving credits"),
        ("Ana", "deployment.delete.succeeded", "project over"),
    ]
    assert [entry["deployment_name"] for entry in sandbox.journal("/delete")] == ["night-shift"]


def test_a_create_becomes_a_deployment_of_ours(ana, worker, sandbox, trail):
    worker.sync()
    operation = operation_of(ana.create("fresh-one", reason="trial", duration="1"))

    worker.drain()
    worker.sync()

    operation.refresh_from_db()
    assert operation.state == "succeeded"
    assert Deployment.objects.get(deployment_id=operation.target_id).deployment_name == "fresh-one"
    assert len(sandbox.journal("/add")) == 1
    assert trail.actions(object_name="fresh-one") == [
        "deployment.create.requested",
        "deployment.create.succeeded",
    ]


def test_deleting_asks_for_the_right_name_and_loses_nothing_typed(ana, fleet, sandbox):
    answer = ana.ask(fleet["night-shift"], "delete", confirm_name="nightshift", reason="a long reason <b>")

    assert answer.status_code == 422
    assert "This is not the name" in answer.content.decode()
    assert "a long reason &lt;b&gt;" in answer.content.decode()
    assert not Operation.objects.exists()
    assert sandbox.journal() == []


def test_cancelled_before_it_was_sent_nothing_is_sent(ana, fleet, worker, sandbox, trail):
    operation = operation_of(ana.ask(fleet["pallet-counter"], "pause"))

    ana.post(f"/w/acme-vision/operations/{operation.pk}/cancel/")
    worker.drain()

    operation.refresh_from_db()
    assert operation.state == "cancelled"
    assert sandbox.journal() == []
    assert trail.actions(action__startswith="deployment.pause") == [
        "deployment.pause.requested",
        "deployment.pause.cancelled",
    ]


def test_a_batch_is_one_operation_each_and_says_what_it_skips(ana, fleet, worker, sandbox):
    chosen = [fleet[name].deployment_id for name in ("pallet-counter", "line-3-inspect", "night-shift")]
    page = ana.post("/w/acme-vision/operations/batch/", {"kind": "pause", "deployment": chosen})
    body = {"kind": "pause", "deployment": chosen, "form_token": str(uuid4()), "reason": "weekend"}

    ana.post("/w/acme-vision/operations/batch/", body)
    ana.post("/w/acme-vision/operations/batch/", body)
    worker.drain()

    assert "night-shift: is paused already" in page.content.decode()
    assert sorted(entry["deployment_name"] for entry in sandbox.journal("/pause")) == [
        "line-3-inspect",
        "pallet-counter",
    ]
    assert Operation.objects.count() == 2


def test_a_version_of_any_letters_is_sorted():
    assert version_order("0.²") == (0, 0) and version_order("0.45.1") == (0, 45, 1)
