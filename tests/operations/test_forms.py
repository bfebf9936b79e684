"""The forms of a change: what they refuse, and that nothing typed is lost."""

import pytest

from deployments.fleet.machines import known_types
from deployments.ledger.models import Operation
from deployments.operations.forms import known_versions, version_order
from tests.people import operation_of


def test_a_version_of_any_letters_is_sorted():
    assert version_order("0.²") == (0, 0)
    assert version_order("0.45.1") == (0, 45, 1)
    assert sorted(["0.9.0", "0.10.0", "odd"], key=version_order) == ["odd", "0.9.0", "0.10.0"]


def test_types_and_versions_seen_in_the_workspace_can_be_chosen(fleet, workspace):
    deployment = fleet["pallet-counter"]
    deployment.machine_type, deployment.inference_version = "tpu-large", "99.0.0"
    deployment.save()

    assert known_types(workspace)[0] == "dev-cpu"
    assert "tpu-large" in known_types(workspace)
    assert known_versions(workspace)[:2] == ["latest", "99.0.0"]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"deployment_name": "abcd"}, "Use 5 to 15 lower-case letters"),
        ({"deployment_name": "1abcd"}, "Use 5 to 15 lower-case letters"),
        ({"deployment_name": "Abcde"}, "Use 5 to 15 lower-case letters"),
        ({"deployment_name": "pallet-counter"}, "A deployment with this name exists already."),
        ({"inference_version": "0.15.9"}, "The oldest version that Roboflow runs is 0.16.0."),
        ({"inference_version": "newest"}, "Write latest or a version such as 0.45.0."),
        ({"min_replicas": "3", "max_replicas": "2"}, "This is more than the maximum number of replicas."),
        ({"machine_type": "abacus"}, "abacus is not one of the available choices"),
        ({"form_token": "odd"}, "Enter a valid UUID."),
    ],
)
def test_a_create_that_roboflow_would_refuse_is_not_requested(fields, message, ana, fleet):
    answer = ana.create("fresh-one", **fields)

    assert answer.status_code == 422
    assert message in answer.content.decode()
    assert not Operation.objects.exists()


@pytest.mark.parametrize("version", ["", "latest", "0.16.0", "1.2.3rc1"])
def test_a_create_sends_only_what_was_filled_in(version, ana, fleet):
    answer = ana.create(
        "fresh-one", machine_type="prod-cpu", inference_version=version, duration="", min_replicas="0"
    )

    expected = {
        "deployment_name": "fresh-one",
        "machine_type": "prod-cpu",
        "creator_email": "ana@example.com",
        "min_replicas": 0,
    }
    assert operation_of(answer).parameters == expected | ({"inference_version": version} if version else {})


@pytest.mark.parametrize(
    ("machine_type", "sent"),
    [
        ("dev-cpu", {"duration": 2.0}),
        ("prod-gpu", {"min_replicas": 1, "max_replicas": 3}),
        ("gpu-small", {"duration": 2.0, "min_replicas": 1, "max_replicas": 3}),
    ],
)
def test_a_create_sends_only_what_its_machine_type_has(machine_type, sent, ana, fleet):
    answer = ana.create(
        "fresh-one", machine_type=machine_type, duration="2", min_replicas="1", max_replicas="3"
    )

    asked = operation_of(answer).parameters
    assert {
        name: asked[name] for name in ("duration", "min_replicas", "max_replicas") if name in asked
    } == sent


@pytest.mark.parametrize("form_token", ["odd", "", "0" * 33])
def test_a_form_without_a_proper_token_asks_for_nothing(form_token, ana, fleet):
    assert ana.create("odd-one", form_token=form_token).status_code == 422
    assert not Operation.objects.exists()


def test_deleting_asks_for_the_right_name_and_loses_nothing_typed(ana, fleet, sandbox):
    answer = ana.ask(fleet["night-shift"], "delete", confirm_name="nightshift", reason="a long reason <b>")

    page = answer.content.decode()
    assert answer.status_code == 422
    assert "This is not the name" in page
    assert "a long reason &lt;b&gt;" in page
    assert not Operation.objects.exists()
    assert sandbox.journal() == []


def test_deleting_needs_a_reason(ana, fleet):
    answer = ana.ask(fleet["night-shift"], "delete", confirm_name="night-shift", reason=" ")

    assert answer.status_code == 422
    assert not Operation.objects.exists()
