"""The compose file: well-formed, guarded, and nothing published but the web port."""

import json
import shutil
import subprocess

import pytest

from tests.portal_process import ROOT


@pytest.fixture(scope="module")
def config():
    assert shutil.which("docker"), (
        "the docker command with compose is needed: apt-get install docker.io docker-compose-v2 (no engine has to run)"
    )
    subprocess.run(["docker", "compose", "config", "-q"], cwd=ROOT, check=True)
    told = subprocess.run(
        ["docker", "compose", "config", "--format", "json"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return json.loads(told.stdout)["services"]


LONG_RUNNING = {"web", "worker", "beat", "redis", "postgres"}


def test_the_services_are_these(config):
    assert set(config) == {"secrets", "init"} | LONG_RUNNING


def test_every_long_running_service_has_a_health_check_and_comes_back(config):
    assert all(
        config[name]["healthcheck"]["test"] and config[name]["restart"] == "unless-stopped"
        for name in LONG_RUNNING
    )


def test_only_the_web_port_is_published_and_only_to_this_machine(config):
    assert [name for name in config if config[name].get("ports")] == ["web"]
    assert config["web"]["ports"][0]["host_ip"] == "127.0.0.1"


def test_every_service_is_guarded(config):
    for name, service in config.items():
        assert (
            service["cap_drop"] == ["ALL"]
            and service["read_only"]
            and "no-new-privileges:true" in service["security_opt"]
        ), name
        assert int(service["mem_limit"]) > 0 and service["logging"]["options"]["max-size"], name


def test_no_secret_stands_in_the_file(config):
    settings = [service.get("environment", {}) for service in config.values()]

    assert not any(
        value
        for one in settings
        for name, value in one.items()
        if name.endswith(("_KEY", "_KEYS", "PASSWORD"))
    )
