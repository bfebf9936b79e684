"""A part of a running portal is stopped or full: /readyz and the part's health check show it within 30 s.

Soon after the end of the fault they show that all is well again.
"""

import json
import time
from urllib.error import HTTPError
from urllib.request import ProxyHandler, build_opener

import pytest

from tests.faults.process_strikes import stopped
from tests.faults.running_portal import RunningPortal
from tests.faults.storage_strikes import broker_full, disk_full, on_database
from tests.portal_process import WORKERS, until

pytestmark = pytest.mark.processes
SHOWS_SECONDS = 30
NO_ANSWER, UNWRITABLE = "does not answer (TimeoutError)", "cannot be written (OperationalError)"
CASES = [  # what is broken, how, the part that has to show it, and the text that it shows
    *((f"{part} stopped", stopped(part), part, "was not seen lately") for part in WORKERS),
    ("beat stopped", stopped("beat"), "beat", "was not seen lately"),
    ("broker stopped", stopped("broker"), "redis", NO_ANSWER),
    ("broker full", broker_full, "redis", "is full"),
    ("disk full", disk_full, "database", UNWRITABLE),
    ("database busy", on_database("busy"), "database", UNWRITABLE),
]


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    portal = RunningPortal(tmp_path_factory.mktemp("truth") / "home")
    yield portal
    portal.stop()


def fetch_parts(running):
    """Return the status of /readyz and its text for each part."""
    try:
        with build_opener(ProxyHandler({})).open(f"{running.process.url}/readyz", timeout=10) as answer:
            return answer.status, json.load(answer)["parts"]
    except HTTPError as error:
        with error:
            return error.code, json.load(error)["parts"]


def wait_until_ready(running):
    """Wait until every part is well."""
    is_ready = lambda: fetch_parts(running)[0] == 200  # noqa: E731
    until(is_ready, seconds=SHOWS_SECONDS, why=lambda: f"{fetch_parts(running)}")


def wait_until_shown(running, part, text):
    """Wait until /readyz answers 503 and the text for the part."""

    def is_shown():
        status, parts = fetch_parts(running)
        return status == 503 and parts[part] == text

    until(is_shown, seconds=SHOWS_SECONDS, why=lambda: f"{fetch_parts(running)}")


@pytest.mark.parametrize(("name", "act", "part", "text"), CASES, ids=[case[0] for case in CASES])
def test_what_is_wrong_shows_in_time_and_no_longer_than_it_lasts(name, act, part, text, running):
    wait_until_ready(running)
    started = time.monotonic()
    heal = act(running, None)
    try:
        wait_until_shown(running, part, text)
        shown_seconds = time.monotonic() - started
        if part in (*WORKERS, "beat"):
            assert running.process.probe(part) == 1
        assert running.process.status("/healthz") == 200  # the web process itself is well
    finally:
        heal()

    wait_until_ready(running)
    print(f"{name}: shown after {shown_seconds:.1f} s")


def read_logs(running):
    """Return the lines of each part's log; each line has to be a JSON object."""
    logs = running.process.home / "logs"
    texts = {name: (logs / f"{name}.log").read_text() for name in ("web", *WORKERS, "beat")}
    return {
        name: [json.loads(line) for line in text.splitlines() if line.strip()] for name, text in texts.items()
    }


def lines_about(lines, operation_id):
    """Return the lines about an operation; the two databases write ids with and without dashes."""
    plain_id = operation_id.replace("-", "")
    return [line for line in lines if str(line.get("operation_id", "")).replace("-", "") == plain_id]


def test_every_line_of_every_log_is_json_and_carries_the_ids_of_the_trail(running):
    running.change(next(one for one in running.changeable() if one["status"] == "ready"), "pause")
    until(lambda: running.operations()[-1]["state"] == "succeeded", seconds=30)
    operation = running.operations()[-1]
    requested = "SELECT * FROM audit_event WHERE action = 'deployment.pause.requested' ORDER BY sequence"
    request_id = running.rows(requested)[-1]["request_id"]

    logs = read_logs(running)

    web, act, tick = (
        lines_about(logs[name], operation["id"]) for name in ("web", "worker-act", "worker-tick")
    )
    worker = [*act, *tick]
    assert [line["state"] for line in web] == ["queued"]
    assert [line["state"] for line in worker] == ["accepted", "succeeded"]
    assert request_id
    assert {line["request_id"] for line in [*web, *worker]} == {request_id}
    clicks = [line for line in logs["web"] if line.get("request_id") == request_id and "code" in line]
    assert [line["code"] for line in clicks] == [303]
