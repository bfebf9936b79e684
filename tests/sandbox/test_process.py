"""The sandbox as a process: start, stop, restart, output, and many clients at once."""

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.sandbox.caller import Caller
from tests.sandbox_process import ROOT, SandboxProcess


@pytest.fixture
def own_sandbox(tmp_path):
    """A sandbox process for one test, which may stop or kill it."""
    process = SandboxProcess.start(tmp_path, boot_seconds=0.3, transition_seconds=0.2)
    yield process
    process.stop()


def run_sandbox(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "deployments.sandbox", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=20, check=False)


def test_a_stop_exits_with_0_and_closes_the_port(own_sandbox):
    assert own_sandbox.stop() == 0
    with pytest.raises(OSError, match="refused"):
        own_sandbox.calls()


@pytest.mark.parametrize("end", [SandboxProcess.stop, SandboxProcess.kill])
def test_everything_that_was_answered_survives_the_end_of_the_process(own_sandbox, end):
    made = Caller(own_sandbox.url).add_deployment().json()["deployment_id"]
    Caller(own_sandbox.url).post("/pause", deployment_name="dock-cameras")
    journal = own_sandbox.journal()

    end(own_sandbox)
    time.sleep(0.3)
    own_sandbox.restart()

    call = Caller(own_sandbox.url)
    shown = call.get("/get", deployment_name="new-camera").json()
    assert (shown["deployment_id"], shown["status"], call.status_of("dock-cameras")) == (
        made,
        "ready",
        "paused",
    )
    assert own_sandbox.journal() == journal


def test_logs_are_the_same_after_a_restart(own_sandbox):
    window = {
        "from_timestamp": "2020-01-01",
        "to_timestamp": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(time.time() - 60)),
    }
    before = Caller(own_sandbox.url).get_log("line-3-inspect", **window)

    own_sandbox.restart()

    assert Caller(own_sandbox.url).get_log("line-3-inspect", **window) == before
    assert len(before) == 50


def test_a_taken_port_is_reported_in_one_line(own_sandbox, tmp_path):
    ended = run_sandbox("--port", str(own_sandbox.port), "--state", str(tmp_path / "other.sqlite3"))

    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == f"sandbox: cannot listen on 127.0.0.1:{own_sandbox.port}: Address already in use\n"


def test_a_bad_setting_is_reported(tmp_path):
    ended = run_sandbox("--boot-seconds", "soon", "--state", str(tmp_path / "s.sqlite3"))

    assert ended.returncode == 2
    assert "a number of seconds, 0 or more" in ended.stderr


def test_it_can_start_empty(tmp_path):
    process = SandboxProcess.start(tmp_path, empty=1, list_shape="wrapped")

    assert Caller(process.url).get("/list", show_deleted="true").json() == {"deployments": []}
    process.stop()


def test_it_never_prints_a_key(tmp_path):
    process = SandboxProcess.start(tmp_path)
    call = Caller(process.url)
    call.get("/list")
    call.add_deployment()
    call.get("/list", key="sandbox-key-wrong")
    process.stop()

    assert process.log() == ""


def test_a_verbose_line_has_no_query(tmp_path):
    options = ["--port", "0", "--state", str(tmp_path / "s.sqlite3"), "--verbose"]
    running = subprocess.Popen(
        [sys.executable, "-m", "deployments.sandbox", *options],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    Caller(running.stdout.readline().split()[-1]).get("/list")
    running.terminate()
    _, printed = running.communicate(timeout=20)

    assert printed == "GET /list 200\n"


def processor_seconds(pid: int) -> float:
    """Return how long the process has computed: unlike the time that passes, free of what others do."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_ten_thousand_deployments_are_listed_within_a_second(own_sandbox):
    own_sandbox.grow(10_000)
    before = processor_seconds(own_sandbox.pid)

    found = Caller(own_sandbox.url).get("/list").json()

    assert len(found) > 10_000
    assert processor_seconds(own_sandbox.pid) - before < 1


def test_the_calls_of_eight_clients_at_once_are_numbered_without_gaps(own_sandbox):
    def add_ten(number):
        call = Caller(own_sandbox.url)
        return [call.add_deployment(f"crowd-{number}-{place}").status_code for place in range(10)]

    with ThreadPoolExecutor(8) as crowd:
        answers = [status for statuses in crowd.map(add_ten, range(8)) for status in statuses]

    assert answers == [200] * 80
    assert [entry["sequence"] for entry in own_sandbox.journal("/add")] == list(range(1, 81))


def test_of_eight_clients_that_add_one_name_at_once_one_succeeds(own_sandbox):
    with ThreadPoolExecutor(8) as crowd:
        answers = sorted(crowd.map(lambda _: Caller(own_sandbox.url).add_deployment().status_code, range(8)))

    assert answers == [200] + [409] * 7
