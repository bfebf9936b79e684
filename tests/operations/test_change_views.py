"""The pages that request one change."""

import pytest

from deployments.keys.models import ApiKey
from deployments.ledger.models import Operation
from tests.people import operation_of


@pytest.mark.parametrize("kind", ["pause", "resume", "delete"])
def test_a_deployment_that_has_ended_is_not_changed_any_more(kind, ana, fleet, sandbox, worker, trail):
    sandbox.change("night-shift", status="deleted")
    worker.sync()

    shown = ana.get(f"/w/acme-vision/deployments/{fleet['night-shift'].deployment_id}/{kind}/")
    answer = ana.ask(fleet["night-shift"], kind, confirm_name="night-shift", reason="over")

    assert shown.status_code == 200
    assert answer.status_code == 422
    assert "night-shift is deleted already. Nothing was done." in answer.content.decode()
    assert trail.actions(action__startswith="deployment.", actor_name="Ana") == [f"deployment.{kind}.refused"]
    assert not Operation.objects.exists()


def test_a_change_returns_to_a_page_of_ours_and_to_no_other(ana, fleet):
    to_fleet = ana.ask(fleet["pallet-counter"], "pause", next="/w/acme-vision/")
    to_stranger = ana.ask(fleet["line-3-inspect"], "pause", next="https://evil.example/")

    assert to_fleet.headers["Location"] == "/w/acme-vision/"
    assert operation_of(to_stranger).target_name == "line-3-inspect"


def test_a_new_form_has_the_own_address_or_the_values_of_another_deployment(ana, fleet):
    like = fleet["pallet-counter"]

    fresh = ana.get("/w/acme-vision/deployments/new/").context["form"]
    copied = ana.get(f"/w/acme-vision/deployments/new/?like={like.deployment_id}").context["form"]

    assert fresh.initial == {"creator_email": "ana@example.com"}
    ana.create("fresh-one", machine_type="prod-cpu", max_replicas="2", inference_version="0.20.0")
    again = ana.get("/w/acme-vision/deployments/new/").context["form"]
    assert again.initial == {  # what she chose last, but for the name
        "creator_email": "ana@example.com",
        "machine_type": "prod-cpu",
        "max_replicas": 2,
        "inference_version": "0.20.0",
    }
    assert copied.initial["machine_type"] == like.machine_type
    assert copied.initial["duration"] == like.duration_hours


def test_a_person_without_a_key_of_their_own_requests_nothing(ana, ben, fleet, trail):
    ApiKey.objects.filter(user=ben.user).delete()

    answer = ben.ask(fleet["pallet-counter"], "pause")

    assert answer.status_code == 403
    assert trail.about(fleet["pallet-counter"]) == [("Ben", "deployment.pause.refused", "")]
    assert not Operation.objects.exists()


def test_more_changes_than_a_person_needs_are_refused(ana, fleet, settings):
    settings.ACCOUNT_RATE_LIMITS = {"operation": "1/m/user"}

    first = ana.ask(fleet["pallet-counter"], "pause")
    second = ana.ask(fleet["line-3-inspect"], "pause")

    assert operation_of(first)
    assert second.status_code == 429
    assert Operation.objects.count() == 1
