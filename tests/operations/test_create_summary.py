"""What the page of a new deployment tells while a person types: verdict, cost, the request as code."""

import json
import re
import subprocess
from types import SimpleNamespace

import pytest

from deployments.ledger.models import Operation
from deployments.operations.create_summary import (
    cli_sample,
    cost_words,
    curl_sample,
    public_address,
    python_sample,
)

PATH = "/w/acme-vision/deployments/new/summary/"
PARAMETERS = {
    "deployment_name": "fresh-one",
    "machine_type": "dev-gpu",
    "creator_email": "o'hara@example.com",
    "duration": 3.0,
    "inference_version": "latest",
}


def told(person, **fields):
    answer = person.post(PATH, {"machine_type": "dev-cpu", **fields})
    assert answer.status_code == 200
    return answer.context["summary"], " ".join(answer.content.decode().split())


@pytest.mark.parametrize(
    ("name", "verdict", "is_taken"),
    [
        (
            "fresh-one",
            "Its address will be fresh-one.roboflow.cloud, with a suffix if somebody has that one.",
            False,
        ),
        ("pallet-counter", "pallet-counter exists (Ready, created by ana@example.com).", True),
        ("Odd name", "", False),
        ("", "", False),
    ],
)
def test_a_name_has_a_verdict_while_it_is_typed(name, verdict, is_taken, ana, fleet):
    summary, page = told(ana, deployment_name=name)

    assert (summary.verdict, summary.is_taken) == (verdict, is_taken)
    assert verdict in page and 'hx-swap-oob="true"' in page
    assert not Operation.objects.exists()


@pytest.mark.parametrize(
    ("machine_type", "hours", "replicas", "text"),
    [
        ("dev-cpu", 3, 1, "0.75 credits - 3 h"),
        ("dev-gpu", 1.5, 1, "1.5 credits - 1.5 h"),
        ("prod-gpu", 3, 1, "1 credit an hour, until you pause or delete it"),
        ("prod-cpu", 3, 2, "0.5 credits an hour for 2 replicas, until you pause or delete it"),
        ("abacus", 3, 1, "Price unknown: the settings have none for abacus."),
        ("", 3, 1, "The cost depends on the machine."),
    ],
)
def test_the_cost_is_in_words(machine_type, hours, replicas, text):
    assert cost_words(machine_type, hours=hours, replicas=replicas) == text


@pytest.mark.parametrize(("hours", "is_warned"), [("6", False), ("6.5", True), ("", False), ("odd", False)])
def test_a_duration_that_roboflow_advises_against_is_told_and_not_refused(hours, is_warned, ana, fleet):
    summary, page = told(ana, duration=hours)

    assert ("at most 6 hours" in page) is is_warned
    assert summary.gone_at is not None and "gone about" in page


def test_a_prod_machine_has_no_end(ana, fleet):
    summary, page = told(ana, machine_type="prod-cpu", duration="5")

    assert summary.gone_at is None and "gone about" not in page
    assert "duration" not in dict(summary.samples)["curl"]


def test_what_is_shown_first_is_what_the_form_would_send(ana, fleet):
    summary = ana.get("/w/acme-vision/deployments/new/").context["summary"]

    assert summary.cost == "0.75 credits - 3 h" and summary.verdict == ""
    assert '"machine_type": "dev-cpu"' in dict(summary.samples)["curl"]


def test_a_viewer_is_refused(vera, fleet):
    assert vera.post(PATH, {}).status_code == 403


def test_a_key_that_somebody_types_comes_back_nowhere(ana, fleet):
    key = "rf_abcdefghij0123456789XYZ"
    for field in ("deployment_name", "creator_email", "inference_version", "reason"):
        assert key not in told(ana, **{field: key})[1]


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("http://127.0.0.1:8766", "https://roboflow.cloud"),
        ("http://localhost:8766", "https://roboflow.cloud"),
        ("https://roboflow.corp.example", "https://roboflow.corp.example"),
    ],
)
def test_the_address_in_the_samples_is_public_unless_the_portal_is_set_to_another(
    address, shown, settings, workspace
):
    settings.ROBOFLOW_REGIONS = {workspace.region: {"deployments": address, "api": address}}

    assert public_address(workspace) == shown


def test_the_samples_have_the_parameters_and_never_a_key():
    for sample in (curl_sample("https://x/add", PARAMETERS), python_sample("https://x/add", PARAMETERS)):
        assert "ROBOFLOW_API_KEY" in sample and "o'hara@example.com" in sample and "3.0" in sample


@pytest.mark.parametrize(
    "email", ["o'hara@example.com", "`id`@example.com", "$HOME@x.example", '"a\\b"@x.example']
)
def test_the_curl_sample_is_what_a_shell_sends(email):
    parameters = PARAMETERS | {"creator_email": email}
    command, body = curl_sample("https://x/add", parameters).split(" <<END")
    environment = {"ROBOFLOW_API_KEY": "secret", "PATH": "/usr/bin:/bin"}

    sent = subprocess.run(
        ["bash", "-c", f"cat <<END{body}"], env=environment, capture_output=True, text=True, check=True
    ).stdout

    assert command == "curl https://x/add -H 'Content-Type: application/json' -d @-"
    assert json.loads(sent) == {"api_key": "secret", **parameters}


def test_the_python_sample_is_python_with_the_same_body():
    sample = python_sample("https://x/add", PARAMETERS)
    body = re.search(r"json=(\{.*?\}),\n\)", sample, re.DOTALL)[1]

    compile(sample, "sample", "exec")
    fake_os = SimpleNamespace(environ={"ROBOFLOW_API_KEY": "k"})
    value = eval(body, {"os": fake_os})
    assert value == {"api_key": "k", **PARAMETERS}


def test_the_cli_sample_quotes_for_the_shell_and_says_what_the_cli_cannot():
    sample = cli_sample(PARAMETERS)
    words = subprocess.run(
        ["bash", "-c", f"printf '%s\\n' {sample}"], capture_output=True, text=True, check=True
    ).stdout.splitlines()

    assert words[:4] == ["roboflow", "deployment", "create", "fresh-one"]
    assert (
        words[words.index("-e") + 1] == "o'hara@example.com" and words[words.index("--duration") + 1] == "3.0"
    )
    assert cli_sample(PARAMETERS | {"max_replicas": 2}).startswith("# The CLI has no option for replicas.")


def test_the_form_remembers_the_last_create_of_the_same_person_only(ana, ben, fleet, worker):
    ana.create("mine-one", machine_type="prod-gpu", min_replicas="1", max_replicas="2")
    worker.drain()
    ben.create("of-ben", machine_type="dev-gpu", duration="5")
    ana.ask(fleet["pallet-counter"], "pause")

    form = ana.get("/w/acme-vision/deployments/new/").context["form"]

    assert form.initial["machine_type"] == "prod-gpu" and form.initial["max_replicas"] == 2
    assert "duration" not in form.initial
