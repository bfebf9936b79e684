"""The settings as a whole: every bad one is named at once, and no process starts with one."""

import os
import re
import subprocess
import sys

import pytest
from redis import Redis

from tests.portal_process import OURS, ROOT

# A bad value for every setting that can be bad, and what its line says.
BAD = {
    "PORTAL_HOME": ("~/portal", "begins with ~"),
    "PORTAL_PULSE_FOLDER": (str(ROOT / "manage.py"), "not a folder"),
    "PORTAL_STATIC_ROOT": (str(ROOT / "manage.py"), "not a folder"),
    "PORTAL_BASE_URL": ("http://my_portal.example.com", "(no _)"),
    "PORTAL_TRUSTED_PROXIES": ("10.0.0.1,caddy", "'caddy'"),
    "PORTAL_PROXY_HOPS": ("all", "write one of 0, 1"),
    "PORTAL_SECRET_KEY": (" ", "is empty"),
    "PORTAL_VAULT_KEYS": ("secret-in-it", "key 1 of 1 is not a Fernet key"),
    "PORTAL_TRAIL_KEY": ("secret-in-it", "not an Ed25519 private key"),
    "PORTAL_TRAIL_WITNESS": ("http://secret-in-it.example", "write a file with its whole path"),
    "PORTAL_TRAIL_FORMER_PUBLIC_KEYS": ("secret-in-it", "not an Ed25519 public key"),
    "PORTAL_LEFT_OUT_SECRETS": ("DATABASE_URL", "write names of PORTAL_SECRET_KEY"),
    "PORTAL_BREACHED_PASSWORDS": ("/no/such/file", "cannot be read: No such file"),
    "PORTAL_SESSION_SECONDS": ("14d", "from 300 to 7776000, without a unit"),
    "PORTAL_SESSION_IDLE_SECONDS": ("60", "from 300 to 1209600 (PORTAL_SESSION_SECONDS)"),
    "PORTAL_HSTS": ("yes", "host, subdomains, preload"),
    "PORTAL_DEBUG": ("treu", "write yes or no"),
    "PORTAL_LOG_FORMAT": ("xml", "console, json"),
    "PORTAL_LOG_LEVEL": ("LOUD", "DEBUG, INFO"),
    "ROBOFLOW_REGION": ("mars", "us, eu"),
    "ROBOFLOW_DEPLOYMENTS_URL": ("roboflow.cloud", "does not begin with http"),
    "ROBOFLOW_API_URL": ("https://u:secret-in-it@x.example", "names a user"),
    "ROBOFLOW_CONNECT_TIMEOUT_SECONDS": ("0", "from 0.1 to 30"),
    "ROBOFLOW_READ_TIMEOUT_SECONDS": ("300", "from 0.1 to 60"),
    "SYNC_ACTIVE_SECONDS": ("5s", "without a unit"),
    "SYNC_IDLE_SECONDS": ("99999", "from 0.1 to 3600"),
    "LOG_CALLS_PER_MINUTE": ("0", "from 1 to 10000"),
    "LOG_RETENTION_DAYS": ("forever", "from 0.01 to 3650"),
    "LOG_RETENTION_GB": ("2GB", "without a unit"),
    "HISTORY_RETENTION_DAYS": ("30", "from 31 to 36500"),
    "OPERATION_LEASE_SECONDS": ("150", "from 2 to 100"),
    "OPERATION_CONFIRM_SECONDS": ("inf", "from 1 to 86400"),
    "SWEEP_SECONDS": ("nan", "from 0.1 to 60"),
    "POSTGRES_PASSWORD": ("secret-in-it\n", "line end"),
    "REDIS_PASSWORD": ("secret-in-it\x07", "cannot be printed"),
    "DATABASE_URL": ("mysql://u:secret-in-it@host/name", "does not begin with postgres://"),
    "REDIS_URL": ("amqp://u:secret-in-it@host", "does not begin with redis://"),
    "EMAIL_URL": ("imap://u:secret-in-it@host", "does not begin with smtp://"),
    "EMAIL_FROM": ("portal", "write an address"),
}
SMALL_BAD = {"PORTAL_DEBUG": "treu", "SYNC_IDLE_SECONDS": "99999", "PORTAL_VAULT_KEYS": "secret-in-it"}
PROCESSES = {
    "up": ["manage.py", "up"],
    "migrate": ["manage.py", "migrate"],
    "gunicorn": [
        "-m",
        "gunicorn",
        "portal.wsgi:application",
        "--config",
        "python:portal.supervisor.gunicorn",
    ],
    "gunicorn without its configuration": ["-m", "gunicorn", "portal.wsgi:application", "--check-config"],
    "worker": ["-m", "celery", "-A", "portal.celery", "--quiet", "worker"],
    "beat": ["-m", "celery", "-A", "portal.celery", "--quiet", "beat", "--pidfile", ""],
}


def run(arguments, folder, **variables):
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    environment = {**inherited, "PORTAL_HOME": str(folder / "home"), **variables}
    command = [sys.executable, *arguments]
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=60
    )


def test_the_check_names_every_bad_setting_at_once_and_no_secret(tmp_path):
    done = run(["manage.py", "check"], tmp_path, **{name: value for name, (value, _) in BAD.items()})

    lines = re.findall(r"\(portal.E001\) (\w+) (.*)", done.stderr)
    assert done.returncode == 1
    assert sorted(name for name, _ in lines) == sorted(BAD)
    assert [name for name, line in lines if BAD[name][1] not in line] == []
    assert "secret-in-it" not in done.stderr + done.stdout and "Traceback" not in done.stderr


def test_every_setting_is_among_the_bad_ones(load_settings):
    names = load_settings()["env"].names

    assert names == set(BAD)


@pytest.mark.parametrize("process", PROCESSES)
def test_no_process_starts_with_a_bad_setting(process, tmp_path):
    done = run(PROCESSES[process], tmp_path, **SMALL_BAD)

    lines = done.stderr.strip().splitlines()
    assert done.returncode == 1
    assert [line.split()[0] for line in lines] == ["PORTAL_VAULT_KEYS", "PORTAL_DEBUG", "SYNC_IDLE_SECONDS"]
    assert not (tmp_path / "home" / "portal.sqlite3").exists()


def test_the_check_is_silent_about_good_settings(tmp_path):
    done = run(
        ["manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        tmp_path,
        PORTAL_BASE_URL="https://portal.example.com",
        DATABASE_URL="postgres://portal:p@ss/w#rd@postgres:5432/portal?sslmode=require",
        REDIS_URL="redis://redis:6379/0",
        REDIS_PASSWORD="p@ss/w#rd",
        EMAIL_URL="smtp+tls://portal:p@ss@mail.example.com:587",
    )

    assert (done.returncode, done.stderr) == (0, "")


def test_the_check_warns_of_a_name_that_is_nearly_a_setting(tmp_path):
    done = run(["manage.py", "check"], tmp_path, SYNC_IDLE_SECOND="5")

    assert done.returncode == 0
    assert "SYNC_IDLE_SECOND is not a setting: did you mean SYNC_IDLE_SECONDS?" in done.stderr


@pytest.mark.parametrize(
    ("variables", "problem"),
    [
        (
            {"SYNC_ACTIVE_SECONDS": "61"},
            "SYNC_ACTIVE_SECONDS is 61: write a number from 0.1 to 60 (SYNC_IDLE_SECONDS)",
        ),
        (
            {"SYNC_IDLE_SECONDS": "4", "SYNC_ACTIVE_SECONDS": "5"},
            "SYNC_ACTIVE_SECONDS is 5: write a number from 0.1 to 4",
        ),
        ({"SYNC_IDLE_SECONDS": "3601"}, "SYNC_IDLE_SECONDS is 3601: write a number from 0.1 to 3600"),
        (
            {"PORTAL_SESSION_SECONDS": "3600", "PORTAL_SESSION_IDLE_SECONDS": "3601"},
            "PORTAL_SESSION_IDLE_SECONDS is 3601: write a number from 300 to 3600 (PORTAL_SESSION_SECONDS)",
        ),
        ({"OPERATION_LEASE_SECONDS": "1.9"}, "OPERATION_LEASE_SECONDS is 1.9: write a number from 2 to 100"),
        (
            {"OPERATION_LEASE_SECONDS": "60", "OPERATION_CONFIRM_SECONDS": "60"},
            "OPERATION_CONFIRM_SECONDS is 60: it must be above OPERATION_LEASE_SECONDS (60)",
        ),
        (
            {"OPERATION_CONFIRM_SECONDS": "2"},
            "OPERATION_CONFIRM_SECONDS is 2: it must be above OPERATION_LEASE",
        ),
        (
            {"PORTAL_DEBUG": "yes", "PORTAL_BASE_URL": "https://portal.example.com"},
            "PORTAL_DEBUG shows internals to everybody",
        ),
        (
            {"POSTGRES_PASSWORD": "a", "DATABASE_URL": "postgres://u:b@h/n"},
            "DATABASE_URL has a password, and POSTGRES",
        ),
        (
            {"REDIS_PASSWORD": "a", "REDIS_URL": "redis://:b@h"},
            "REDIS_URL has a password, and REDIS_PASSWORD",
        ),
    ],
)
def test_settings_that_contradict_each_other_are_one_line(load_settings, variables, problem):
    (found,) = load_settings(**variables)["SETTING_PROBLEMS"]

    assert found.startswith(problem)


@pytest.mark.parametrize(
    ("variables", "name", "value"),
    [
        ({"SYNC_IDLE_SECONDS": "3"}, "SYNC_ACTIVE_SECONDS", 3),
        ({"OPERATION_CONFIRM_SECONDS": "20"}, "OPERATION_LEASE_SECONDS", 10),
        ({}, "OPERATION_LEASE_SECONDS", 60),
        ({}, "SESSION_COOKIE_AGE", 14 * 24 * 3600),
        ({}, "SESSION_IDLE_SECONDS", 24 * 3600),
        ({"PORTAL_SESSION_SECONDS": "28800"}, "SESSION_COOKIE_AGE", 28_800),
        ({"PORTAL_SESSION_SECONDS": "28800"}, "SESSION_IDLE_SECONDS", 28_800),
        ({"PORTAL_SESSION_IDLE_SECONDS": "900"}, "SESSION_IDLE_SECONDS", 900),
        ({"PORTAL_HSTS": "preload"}, "SECURE_HSTS_SECONDS", 0),  # without TLS there is no HSTS
        ({"PORTAL_LOG_LEVEL": "debug"}, "SETTING_PROBLEMS", []),
        ({"ROBOFLOW_REGION": "EU"}, "ROBOFLOW_REGION", "eu"),
        ({"PORTAL_TRUSTED_PROXIES": "10.0.0.1, ::1"}, "PORTAL_TRUSTED_PROXIES", ["10.0.0.1/32", "::1/128"]),
        (
            {"PORTAL_BASE_URL": "http://[::1]:8000"},
            "DEFAULT_FROM_EMAIL",
            "Portside <portal@[IPv6:::1]>",
        ),
        ({"POSTGRES_PASSWORD": "a b", "DATABASE_URL": "sqlite:///portal.db"}, "SETTING_PROBLEMS", []),
    ],
)
def test_one_setting_follows_another(load_settings, variables, name, value):
    assert load_settings(**variables)[name] == value


def test_own_addresses_of_roboflow_are_the_only_region(load_settings):
    regions = load_settings(ROBOFLOW_REGION="eu", ROBOFLOW_API_URL="http://127.0.0.1:9100/")[
        "ROBOFLOW_REGIONS"
    ]

    assert regions == {"eu": {"deployments": "https://eu.roboflow.cloud", "api": "http://127.0.0.1:9100"}}


def test_a_read_timeout_above_what_a_lease_leaves_is_told(load_settings):
    assert "cut off after 3 s" in load_settings(OPERATION_LEASE_SECONDS="4")["SETTING_WARNINGS"][0]
    assert load_settings()["SETTING_WARNINGS"] == []


def test_passwords_with_every_printable_character_reach_both_servers(load_settings, tmp_path):
    odd = "".join(chr(code) for code in range(32, 127))
    (tmp_path / "password").write_text(f"{odd}\n")

    found = load_settings(
        DATABASE_URL="postgres://portal@postgres:5432/portal",
        POSTGRES_PASSWORD_FILE=str(tmp_path / "password"),
        REDIS_URL="redis://redis:6379/0",
        REDIS_PASSWORD=odd,
    )

    assert found["SETTING_PROBLEMS"] == []
    assert found["DATABASES"]["default"]["PASSWORD"] == odd
    assert Redis.from_url(found["BROKER_URL"]).connection_pool.connection_kwargs["password"] == odd


def test_a_form_may_have_as_many_fields_as_a_bulk_choice_of_a_thousand_rows_needs(settings):
    assert settings.DATA_UPLOAD_MAX_NUMBER_FIELDS >= 10_000
