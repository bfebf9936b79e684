"""The health pages and the containers' check show the state of each part as it is."""

import os
import subprocess
import sys
import time
from datetime import timedelta

import pytest
from django.core.management import call_command

from portal.health.heartbeats import LATE, record_heartbeat
from portal.health.models import Heartbeat
from portal.health.parts import WORKERS
from tests.portal_process import ROOT

PARTS = (*WORKERS, "beat")
MARGIN = timedelta(seconds=10)


@pytest.fixture
def all_alive(db):
    for part in PARTS:
        record_heartbeat(part, "one")


def test_the_web_process_is_healthy_without_the_other_parts(client, db):
    assert client.get("/healthz").status_code == 200


def test_ready_needs_every_part(client, db):
    assert client.get("/readyz").status_code == 503

    for part in PARTS:
        assert client.get("/readyz").status_code == 503
        record_heartbeat(part, "one")

    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert set(answer.json()["parts"]) == {"database", "redis", *PARTS}


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("age", [LATE + MARGIN, -LATE - MARGIN], ids=["too old", "in the future"])
def test_a_part_not_seen_lately_is_not_ready(part, age, client, all_alive):
    record_heartbeat(part, "one", age=age)

    answer = client.get("/readyz")

    assert answer.status_code == 503
    assert answer.json()["parts"][part] == "was not seen lately"


def test_a_dead_beat_condemns_no_worker(client, all_alive):
    record_heartbeat("beat", "one", age=LATE + MARGIN)

    parts = client.get("/readyz").json()["parts"]

    assert {parts[worker] for worker in WORKERS} == {"is alive"}


def test_a_dead_replica_shows_while_another_one_works(client, all_alive):
    record_heartbeat("worker-act", "two", age=LATE + MARGIN)

    answer = client.get("/readyz")

    assert answer.status_code == 200
    assert answer.json()["parts"]["worker-act"] == "1 of 2 was not seen lately"


def test_a_replica_that_was_taken_away_is_forgotten(client, all_alive):
    record_heartbeat("worker-act", "two", age=timedelta(minutes=11))

    assert client.get("/readyz").json()["parts"]["worker-act"] == "is alive"


def test_heartbeats_from_before_a_restart_do_not_count(client, all_alive):
    call_command("forget_heartbeats")

    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert {answer.json()["parts"][part] for part in PARTS} == {"was not seen yet"}


def test_health_tells_strangers_no_more_than_words(client, db):
    text = client.get("/readyz").content.decode()

    assert "was not seen yet" in text
    assert "Traceback" not in text and "password" not in text and "/tmp" not in text


def test_the_system_page_names_each_process_by_its_host(ana, fleet, all_alive):
    record_heartbeat("worker-act", "two", age=LATE + MARGIN)

    page = ana.get("/system/").content.decode()

    expected = ("worker-act on one", "worker-act on two", "worker-read on one", "beat on one", "redis")
    assert [name for name in expected if name not in page] == []


def test_the_heartbeat_is_by_the_clock_of_the_database(db, time_machine_far_ahead):
    record_heartbeat("beat", "one")

    assert abs(Heartbeat.objects.get().at.timestamp() - time_machine_far_ahead) < 60


@pytest.fixture
def time_machine_far_ahead():
    """The real time in seconds, while this process believes that it is two hours later."""
    import time_machine

    real = time.time()
    with time_machine.travel(real + 7200, tick=True):
        yield real


def probe(folder, *arguments):
    """Run the health check of a container."""
    command = [sys.executable, "-I", "-S", "portal/health/probe.py", *arguments]
    environment = {**os.environ, "PORTAL_PULSE_FOLDER": str(folder)}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def test_a_container_is_healthy_while_its_part_touches_its_file(tmp_path):
    assert probe(tmp_path, "beat").returncode == 1

    (tmp_path / "beat").touch()
    assert probe(tmp_path, "beat").returncode == 0

    late = time.time() - LATE.total_seconds() - 1
    os.utime(tmp_path / "beat", (late, late))
    found = probe(tmp_path, "beat")
    assert (found.returncode, found.stderr) == (1, "beat was not seen lately\n")


def test_a_web_container_is_healthy_while_web_answers(live_server, tmp_path):
    assert probe(tmp_path, "web", str(live_server.thread.port)).returncode == 0
    assert probe(tmp_path, "web", "1").returncode == 1
