"""The compose file: well-formed, guarded, and nothing published but the web port."""

import os
import signal
import subprocess
import sys

import kombu
import pytest
import redis

from portal.configuration.broker_url import broker_url
from portal.supervisor.broker import broker_binary
from tests.compose_file import compose_project
from tests.portal_process import PortalProcess, until


@pytest.fixture(scope="module")
def project():
    return compose_project()


@pytest.fixture(scope="module")
def config(project):
    return project["services"]


LONG_RUNNING = {"web", "worker-act", "worker-read", "worker-tick", "beat", "redis", "postgres"}


def test_the_services_are_these(config):
    assert set(config) == {"secrets", "roles", "init"} | LONG_RUNNING


def test_every_long_running_service_has_a_health_check_and_comes_back(config):
    assert all(
        config[name]["healthcheck"]["test"] and config[name]["restart"] == "unless-stopped"
        for name in LONG_RUNNING
    )


def test_only_the_web_port_is_published_and_only_to_this_machine(config):
    assert [name for name in config if config[name].get("ports")] == ["web"]
    assert config["web"]["ports"][0]["host_ip"] == "127.0.0.1"


def test_several_containers_of_web_share_a_range_of_ports(tmp_path):
    (tmp_path / ".env").write_text("PORTAL_PORT=8000-8002\n")

    (port,) = compose_project(tmp_path / ".env")["services"]["web"]["ports"]

    assert (port["host_ip"], port["published"], port["target"]) == ("127.0.0.1", "8000-8002", 8000)


def test_every_service_is_guarded(config):
    for name, service in config.items():
        assert (
            service["cap_drop"] == ["ALL"]
            and service["read_only"]
            and "no-new-privileges:true" in service["security_opt"]
        ), name
        assert int(service["mem_limit"]) > 0 and service["logging"]["options"]["max-size"], name
        assert 0 < service["pids_limit"] <= 256, name


FRONT = "default"  # as when it was the only network: an upgrade cannot give its addresses to another
LEAVING = {"web", "worker-act", "worker-read"}  # web: the check of a key that somebody saves, and mails


def test_the_back_network_leads_nowhere_and_only_three_services_have_another_way(project):
    networks = {name: set(service.get("networks") or ()) for name, service in project["services"].items()}
    offline = {name for name, service in project["services"].items() if service.get("network_mode") == "none"}

    assert project["networks"]["back"]["internal"] is True
    assert not project["networks"][FRONT].get("internal")
    assert {name for name in networks if FRONT in networks[name]} == LEAVING
    assert {name for name in networks if networks[name] == {"back"}} == set(networks) - LEAVING - offline
    assert offline == {"secrets", "roles"}


def test_only_the_server_and_the_service_that_makes_its_roles_reach_the_superuser(config):
    """The socket asks for no password, and nobody else has the superuser's."""
    with_socket = {
        name
        for name, service in config.items()
        if any(volume["source"] == "postgres-run" for volume in service["volumes"])
    }

    assert with_socket == {"postgres", "roles"}


def test_migrations_run_under_the_role_that_owns_the_tables_and_all_else_under_the_working_role(config):
    roles = {
        name: service["environment"]["DATABASE_URL"].split("@")[0]
        for name, service in config.items()
        if "DATABASE_URL" in (service.get("environment") or {})
    }

    assert roles.pop("init") == "postgres://portal_owner"
    assert set(roles) == LONG_RUNNING - {"redis", "postgres"}
    assert set(roles.values()) == {"postgres://portal"}


def test_the_mail_server_and_its_password_are_known_to_web_alone(config):
    knowing = [name for name, service in config.items() if "EMAIL_URL" in (service.get("environment") or {})]

    assert knowing == ["web"]


def test_other_servers_and_pinned_images_are_taken_from_the_environment_file(tmp_path):
    given = {
        "DATABASE_URL": "postgres://app@db.example:5432/portal?sslmode=verify-full&sslrootcert=system",
        "MIGRATION_DATABASE_URL": "postgres://owner@db.example:5432/portal?sslmode=require",
        "REDIS_URL": "rediss://redis.example:6380/0",
        "PYTHON_IMAGE": f"python:3.11-slim-bookworm@sha256:{'1' * 64}",
        "POSTGRES_IMAGE": f"postgres:17@sha256:{'2' * 64}",
        "REDIS_IMAGE": f"redis:8@sha256:{'3' * 64}",
    }
    (tmp_path / ".env").write_text("".join(f"{name}='{value}'\n" for name, value in given.items()))

    services = compose_project(tmp_path / ".env")["services"]
    assert services["web"]["environment"]["DATABASE_URL"] == given["DATABASE_URL"]
    assert services["init"]["environment"]["DATABASE_URL"] == given["MIGRATION_DATABASE_URL"]
    assert services["beat"]["environment"]["REDIS_URL"] == given["REDIS_URL"]
    assert services["worker-act"]["build"]["args"]["PYTHON_IMAGE"] == given["PYTHON_IMAGE"]
    assert (services["postgres"]["image"], services["redis"]["image"]) == (
        given["POSTGRES_IMAGE"],
        given["REDIS_IMAGE"],
    )


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

    environment = compose_project(tmp_path / ".env")["services"]["secrets"]["environment"]
    assert environment["REDIS_PASSWORD"].replace("$$", "$") == quoted
    assert environment["POSTGRES_PASSWORD"].replace("$$", "$") == quoted


def test_given_secrets_are_kept_as_they_are_also_at_the_second_start(tmp_path):
    given = {"REDIS_PASSWORD": ODD, "POSTGRES_PASSWORD": ODD[::-1]}
    portal = PortalProcess(tmp_path / "home", **given)
    folder = tmp_path / "secrets"

    first = portal.manage("make_secrets", str(folder))
    before = {path.name: path.read_text() for path in folder.iterdir()}
    second = portal.manage("make_secrets", str(folder))

    assert (first.returncode, second.returncode) == (0, 0)
    assert {path.name: path.read_text() for path in folder.iterdir()} == before
    assert (before["redis_password"], before["postgres_password"]) == (ODD, ODD[::-1])


def test_secrets_of_an_older_version_are_kept_and_become_readable_for_one_user(tmp_path):
    (tmp_path / "redis_password").write_text("kept")
    (tmp_path / "redis_password").chmod(0o444)  # as the version wrote it that had one folder for all

    done = PortalProcess(tmp_path / "home").manage("make_secrets", str(tmp_path))

    assert done.returncode == 0
    assert (tmp_path / "redis_password").read_text() == "kept"
    assert (tmp_path / "redis_password").stat().st_mode & 0o777 == 0o600
