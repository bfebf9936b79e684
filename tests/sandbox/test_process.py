"""The sandbox as a process: starting, stopping, surviving, and bearing a crowd."""

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.sandbox.caller import Caller
from tests.sandbox_process import ROOT, SandboxProcess


@pytest.fixture
def own(tmp_path):
    """A sandbox of the test's own, to be stopped and killed."""
    process = SandboxProcess.start(tmp_path, boot_seconds=0.3, transition_seconds=0.2)
    yield process
    process.stop()


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "deployments.sandbox", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=20, check=False)


def test_a_stop_is_clean_and_leaves_nothing_listening(own):
    assert own.stop() == 0
    with pytest.raises(OSError, match="refused"):
        own.calls()


@pytest.mark.parametrize("end", [SandboxProcess.stop, SandboxProcess.kill])
def test_everything_acknowledged_survives_the_end_of_the_process(own, end):
    made = Caller(own.url).add().json()["deployment_id"]
    Caller(own.url).post("/pause", deployment_name="dock-cameras")
    journal = own.journal()

    end(own)
    time.sleep(0.3)
    own.restart()

    call = Caller(own.url)
    shown = call.get("/get", deployment_name="new-camera").json()
    assert (shown["deployment_id"], shown["status"], call.status("dock-cameras")) == (made, "ready", "paused")
    assert own.journal() == journal


def test_logs_are_the_same_after_a_restart(own):
    window = {
        "from_timestamp": "2020-01-01",
        "to_timestamp": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(time.time() - 60)),
    }
    before = Caller(own.url).log("line-3-inspect", **window)

    own.restart()

    assert Caller(own.url).log("line-3-inspect", **window) == before
    assert len(before) == 50


def test_a_taken_port_is_one_clear_line(own, tmp_path):
    ended = run("--port", str(own.port), "--state", str(tmp_path / "other.sqlite3"))

    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == f"sandbox: cannot listen on 127.0.0.1:{own.port}: Address already in use\n"


def test_a_bad_setting_is_told(tmp_path):
    ended = run("--boot-seconds", "soon", "--state", str(tmp_path / "s.sqlite3"))

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
    call.add()
    call.get("/list", key="sandbox-key-wrong")
    process.stop()

    assert process.log() == ""


def test_a_verbose_line_has_no_query(tmp_path):
    running = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "deployments.sandbox",
            "--port",
            "0",
            "--state",
            str(tmp_path / "s.sqlite3"),
            "--verbose",
        ],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    Caller(running.stdout.readline().split()[-1]).get("/list")
    running.terminate()
    _, printed = running.communicate(timeout=20)

    assert printed == "GET /list 200\n"


def test_ten_thousand_deployments_are_listed_within_a_second(own):
    own.grow(10_000)
    begun = time.monotonic()

    found = Caller(own.url).get("/list").json()

    assert len(found) > 10_000
    assert time.monotonic() - begun < 1


def test_eight_callers_at_once_are_all_served_and_numbered(own):
    def adds(number):
        call = Caller(own.url)
        return [call.add(f"crowd-{number}-{place}").status_code for place in range(10)]

    with ThreadPoolExecutor(8) as crowd:
        answers = [status for statuses in crowd.map(adds, range(8)) for status in statuses]

    assert answers == [200] * 80
    assert [entry["sequence"] for entry in own.journal("/add")] == list(range(1, 81))


def test_of_many_adding_one_name_at_once_one_wins(own):
    with ThreadPoolExecutor(8) as crowd:
        answers = sorted(crowd.map(lambda _: Caller(own.url).add().status_code, range(8)))

    assert answers == [200] + [409] * 7
