"""Roboflow's own command line works against the sandbox without modification."""

import json
from datetime import UTC, datetime

import pytest

from tests.sandbox.roboflow_cli import RoboflowCli, install_cli


@pytest.fixture(scope="session")
def program():
    return install_cli()


@pytest.fixture
def cli(program, sandbox, tmp_path):
    client = RoboflowCli(program, tmp_path)

    def run(*arguments, key="sandbox-key-ana"):
        return client.run("deployment", *arguments, url=sandbox.url, key=key)

    return run


def parse_output(ended):
    """Return what a successful command printed as JSON."""
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


def test_machine_types_are_listed(cli):
    assert "prod-gpu" in parse_output(cli("machine-type"))
    assert "prod-gpu" in parse_output(cli("machine_type"))


def test_a_created_deployment_becomes_ready(cli, call, sandbox):
    ended = cli("create", "cli-camera", "-m", "dev-gpu", "-e", "ana@example.com", "--duration", "2")

    assert ended.stdout.startswith("Deployment cli-camera created successfully")
    assert [entry["deployment_name"] for entry in sandbox.journal("/add")] == ["cli-camera"]
    call.wait_for_status("cli-camera", "ready")
    assert parse_output(cli("get", "cli-camera", "--wait"))["duration"] == 2


def test_the_old_add_command_works_too(cli, call):
    ended = cli("add", "old-style", "-m", "prod-cpu", "-e", "ben@example.com", "-nodel")

    assert ended.returncode == 0, ended.stderr
    assert call.get("/get", deployment_name="old-style").json()["creator_email"] == "ben@example.com"


def test_the_list_is_what_the_sandbox_reports(cli, call):
    assert parse_output(cli("list")) == call.get("/list").json()


def test_pause_resume_and_delete_change_the_state(cli, call, sandbox):
    for command, status in (("pause", "paused"), ("resume", "ready"), ("delete", "deleted")):
        assert parse_output(cli(command, "dock-cameras")) == {"message": "OK"}
        call.wait_for_status("dock-cameras", status)

    assert [entry["endpoint"] for entry in sandbox.journal()] == ["/pause", "/resume", "/delete"]


def test_no_line_of_a_log_is_dropped(cli, call):
    since = datetime.now(UTC)
    printed = cli("log", "line-3-inspect", "-n", "50").stdout

    expected = call.get_log("line-3-inspect", to_timestamp=since.isoformat(), max_entries=45)
    assert expected
    assert all(
        line["payload"] in printed.replace("\r\n", "\r") for line in expected if "\r" not in line["payload"]
    )


def test_usage_of_workspace_and_deployment(cli):
    whole = parse_output(cli("usage"))["usage"]
    assert "line-3-inspect" in {one["deployment_name"] for one in whole}
    assert parse_output(cli("usage_workspace"))["usage"]
    assert [one["deployment_name"] for one in parse_output(cli("usage", "line-3-inspect"))["usage"]] == [
        "line-3-inspect"
    ]
    assert [
        one["deployment_name"] for one in parse_output(cli("usage_deployment", "night-shift"))["usage"]
    ] == ["night-shift"]


def test_a_bad_key_is_reported_as_with_roboflow(cli):
    ended = cli("list", key="wrongkey")

    assert ended.returncode != 0
    assert "401: Unauthorized (invalid api_key)" in ended.stderr


def test_an_unknown_name_is_reported(cli):
    for command in ("get", "pause", "resume", "delete", "log"):
        ended = cli(command, "no-such-name")
        assert ended.returncode != 0
        assert "404: Deployment not found" in ended.stderr


def test_no_refusal_advises_an_upgrade(cli):
    refusals = [
        cli("create", "x", "-m", "dev-gpu", "-e", "ana@example.com"),
        cli("create", "cli-camera", "-m", "dev-gpu", "-e", "someone@nowhere.invalid"),
        cli("create", "dock-cameras", "-m", "dev-gpu", "-e", "ana@example.com"),
    ]

    assert [ended.returncode for ended in refusals] == [1, 1, 1]
    assert not [
        ended for ended in refusals if "upgrade" in ended.stderr.lower() or "plan" in ended.stderr.lower()
    ]
