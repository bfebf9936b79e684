"""The compose file: well-formed, guarded, and nothing published but the web port."""

import json
import os
import shutil
import signal
import subprocess
import sys

import kombu
import pytest
import redis

from portal.configuration.broker_url import broker_url
from portal.supervisor.broker import broker_binary
from tests.portal_process import ROOT, PortalProcess, until


@pytest.fixture(scope="module")
def config():
    needed = "docker compose is needed: apt-get install docker.io docker-compose-v2 (no engine has to run)"
    assert shutil.which("docker"), needed
    subprocess.run(["docker", "compose", "config", "-q"], cwd=ROOT, check=True)
    told = subprocess.run(
        ["docker", "compose", "config", "--format", "json"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return json.loads(told.stdout)["services"]


LONG_RUNNING = {"web", "worker-act", "worker-read", "worker-tick", "beat", "redis", "postgres"}


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


ODD = "".join(chr(code) for code in range(32, 127))  # every printable character of ASCII


def in_this_shell(text, folder):
    """A command of the compose file with its folders replaced; compose writes $ as $$."""
    return text.replace("$$", "$").replace("/secrets/", f"{folder}/").replace("dir /data", f"dir {folder}")


@pytest.fixture(
    params=[ODD, ODD[::-1], " a  b ", "\\", '"', "'\"'\\\\", "%s%n\\n", "$(id)`id`$HOME", "*", "#", "pä中"]
)
def redis_of_compose(request, config, tmp_path):
    """The server as the compose file starts it, but on a socket; its folder and its password."""
    (tmp_path / "redis_password").write_text(request.param)
    program = tmp_path / "redis-server"
    program.write_text(f'#!/bin/sh\nexec "{broker_binary()}" --port 0 --unixsocket "{tmp_path}/s" -\n')
    program.chmod(0o755)
    shell, option, script = config["redis"]["command"]
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    command = [shell, option, in_this_shell(script, tmp_path)]
    server = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, start_new_session=True)
    until((tmp_path / "s").exists, seconds=10)
    yield tmp_path, request.param
    os.killpg(server.pid, signal.SIGKILL)  # the shell and the server that it started
    server.wait(timeout=10)


def test_redis_takes_a_password_with_every_printable_character(redis_of_compose):
    folder, password = redis_of_compose
    url = broker_url(f"redis+socket://{folder}/s", password=password, default_socket=folder)

    assert redis.Redis.from_url(url.replace("redis+socket", "unix")).ping()
    with kombu.Connection(url) as connection:
        assert connection.ensure_connection(max_retries=1).connected
    for wrong in ("", password + "x"):
        with pytest.raises(redis.AuthenticationError):
            redis.Redis(unix_socket_path=f"{folder}/s", password=wrong, retry=None).ping()


def test_the_health_check_of_redis_gives_the_same_password(redis_of_compose, config):
    folder, password = redis_of_compose
    program = folder / "redis-cli"
    program.write_text(
        f"#!{sys.executable}\nimport os\nprint(os.environ['REDISCLI_AUTH'] == {password!r} and 'PONG')\n"
    )
    program.chmod(0o755)
    script = in_this_shell(config["redis"]["healthcheck"]["test"][1], folder)

    done = subprocess.run(
        ["sh", "-c", script], env={**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}, check=False
    )

    assert done.returncode == 0


def test_a_password_of_the_environment_file_reaches_the_container_as_it_is(tmp_path):
    quoted = ODD.replace("'", "")  # an environment file has no way to write one in single quotes
    (tmp_path / ".env").write_text(f"REDIS_PASSWORD='{quoted}'\nPOSTGRES_PASSWORD='{quoted}'\n")
    command = ["docker", "compose", "--env-file", str(tmp_path / ".env"), "config", "--format", "json"]

    told = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)

    environment = json.loads(told.stdout)["services"]["secrets"]["environment"]
    assert environment["REDIS_PASSWORD"].replace("$$", "$") == quoted
    assert environment["POSTGRES_PASSWORD"].replace("$$", "$") == quoted


def test_given_secrets_are_kept_as_they_are_also_at_the_second_start(tmp_path):
    given = {"REDIS_PASSWORD": ODD, "POSTGRES_PASSWORD": ODD[::-1]}
    portal = PortalProcess(tmp_path / "home", **given)

    first = portal.manage("make_secrets", str(tmp_path / "secrets"))
    before = {path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()}
    inode = (tmp_path / "secrets" / "redis_password").stat().st_ino
    second = portal.manage("make_secrets", str(tmp_path / "secrets"))

    assert (first.returncode, second.returncode) == (0, 0)
    # Replaced, not written into: the first start made it read-only, and only root could write it.
    assert (tmp_path / "secrets" / "redis_password").stat().st_ino != inode
    assert {path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()} == before
    assert (before["redis_password"], before["postgres_password"]) == (ODD, ODD[::-1])
