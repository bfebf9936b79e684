"""Each part of a running portal is killed, stopped or filled up: within 30 s /readyz and the part's own health check say so, and say so no longer soon after."""

import json
import time
from urllib.error import HTTPError
from urllib.request import ProxyHandler, build_opener

import pytest

from tests.faults.field import Field
from tests.faults.strikes import broker_full, disk_full, on_database, stopped
from tests.portal_process import until

pytestmark = [pytest.mark.processes, pytest.mark.xdist_group("health")]
SHOWS_SECONDS = 30
CASES = [  # what strikes, the part that has to show it, its words
    ("worker stopped", stopped("worker"), "worker", "was not seen lately"),
    ("beat stopped", stopped("beat"), "beat", "was not seen lately"),
    ("broker stopped", stopped("broker"), "redis", "does not answer (TimeoutError)"),
    ("broker full", broker_full, "redis", "is full"),
    ("disk full", disk_full, "database", "cannot be written (OperationalError)"),
    ("database busy", on_database("busy"), "database", "cannot be written (OperationalError)"),
]


@pytest.fixture(scope="module")
def field(tmp_path_factory):
    made = Field(tmp_path_factory.mktemp("truth") / "home")
    yield made
    made.stop()


def parts(field):
    try:
        with build_opener(ProxyHandler({})).open(f"{field.portal.url}/readyz", timeout=10) as answer:
            return answer.status, json.load(answer)["parts"]
    except HTTPError as error:
        with error:
            return error.code, json.load(error)["parts"]


@pytest.mark.parametrize(("name", "strike", "part", "words"), CASES, ids=[case[0] for case in CASES])
def test_what_is_wrong_shows_in_time_and_no_longer_than_it_lasts(name, strike, part, words, field):
    until(lambda: parts(field)[0] == 200, seconds=SHOWS_SECONDS)
    begun = time.monotonic()
    heal = strike(field, None)
    try:
        until(
            lambda: parts(field)[0] == 503 and parts(field)[1][part] == words,
            seconds=SHOWS_SECONDS,
            why=lambda: f"{parts(field)}",
        )
        shown = time.monotonic() - begun
        if part in ("worker", "beat"):
            assert field.portal.manage("healthcheck", part).returncode == 1
        assert field.portal.status("/healthz") == 200  # the process itself is well
    finally:
        heal()

    until(lambda: parts(field)[0] == 200, seconds=SHOWS_SECONDS, why=lambda: f"{parts(field)}")
    print(f"{name}: shown after {shown:.1f} s")


def test_every_line_of_every_log_is_json_and_carries_the_ids_of_the_trail(field):
    one = next(one for one in field.standing() if one["status"] == "ready")
    field.change(one, "pause")
    until(lambda: field.operations()[-1]["state"] == "succeeded", seconds=30)
    operation = field.operations()[-1]
    event = field.rows(
        "SELECT * FROM audit_event WHERE action = 'deployment.pause.requested' ORDER BY sequence"
    )[-1]
    logs = {
        path.stem: path.read_text().splitlines()
        for path in (field.portal.home / "logs").glob("*.log")
        if path.stem in ("web", "worker", "beat")
    }

    lines = {
        name: [json.loads(line) for line in found if line.strip()] for name, found in logs.items()
    }  # each line is an object, or this fails

    told = {
        name: [
            one
            for one in found
            if str(one.get("operation_id", "")).replace("-", "") == operation["id"].replace("-", "")
        ]
        for name, found in lines.items()
    }
    assert [one["state"] for one in told["web"]] == ["queued"] and [
        one["state"] for one in told["worker"]
    ] == ["accepted", "succeeded"]
    assert event["request_id"] and {one["request_id"] for found in told.values() for one in found} == {
        event["request_id"]
    }
    assert any(
        one.get("request_id") == event["request_id"] and one.get("code") == 303 for one in lines["web"]
    )  # the click itself
