"""Logs: newest first, the same every time, and true to the state."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from tests.sandbox.caller import until

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00")
DAY_AGO = (datetime.now(UTC) - timedelta(days=1)).isoformat()


def test_lines_are_newest_first_with_six_digits_and_ids_of_their_own(call):
    found = call.log("line-3-inspect", max_entries=1000)

    times = [line["timestamp"] for line in found]
    assert len(found) > 100
    assert times == sorted(times, reverse=True)
    assert all(TIME.fullmatch(at) for at in times)
    assert len({line["insert_id"] for line in found}) == len(found)
    assert {frozenset(line) for line in found} == {
        frozenset({"insert_id", "payload", "severity", "timestamp"})
    }


def test_fifty_lines_of_the_last_hour_unless_asked_otherwise(call):
    assert len(call.log("line-3-inspect")) == 50
    assert len(call.log("line-3-inspect", max_entries=7)) == 7
    assert call.log("arm-vision", key="sandbox-key-cam", from_timestamp=DAY_AGO)[-1]["timestamp"] > DAY_AGO
    assert call.log("night-shift") == []


def test_a_window_is_told_the_same_every_time_and_joins_without_a_gap(call):
    end = datetime.now(UTC) - timedelta(minutes=1)
    middle, start = end - timedelta(minutes=30), end - timedelta(minutes=60)

    def told(since, to):
        return call.log(
            "line-3-inspect", from_timestamp=since.isoformat(), to_timestamp=to.isoformat(), max_entries=1000
        )

    assert told(start, end) == told(middle, end) + told(start, middle)
    assert all(start.isoformat() <= line["timestamp"] <= end.isoformat() for line in told(start, end))


def test_an_offset_is_honoured(call):
    end = datetime.now(UTC) - timedelta(minutes=1)
    east = (end + timedelta(hours=2)).replace(tzinfo=None).isoformat() + "+02:00"

    assert call.log("line-3-inspect", to_timestamp=east) == call.log(
        "line-3-inspect", to_timestamp=end.isoformat()
    )


def test_nothing_is_written_while_paused(call):
    assert call.log("night-shift", max_entries=1000) == []

    of_the_day = call.log("night-shift", from_timestamp=DAY_AGO, max_entries=1000)

    assert of_the_day[0]["payload"] == "INFO:     Finished server process [1]"
    assert any("HTTP/1.1" in line["payload"] for line in of_the_day)


def test_a_start_is_told_from_the_image_to_the_first_request(call, sandbox):
    call.add()
    call.wait("new-camera", "ready")
    until(lambda: any("warm" in line["payload"] for line in call.log("new-camera")))

    story = [line["payload"] for line in reversed(call.log("new-camera"))]

    assert story[0].startswith("Pulling image roboflow/roboflow-inference-server:0.64.2")
    assert story.index("INFO:     Started server process [1]") < story.index(
        "INFO:     Application startup complete."
    )


def test_a_failed_start_ends_with_a_traceback(call):
    last_days = call.log("ocr-benchmark", from_timestamp=(datetime.now(UTC) - timedelta(days=2)).isoformat())

    assert last_days[0]["severity"] == "CRITICAL"
    assert "Traceback (most recent call last)" in last_days[1]["payload"]


@pytest.mark.parametrize(
    "oddity",
    [
        "api_key=sandbox-key-ana",
        "\x1b[",
        "<script>",
        "\r",
        "Traceback (most recent",
        "WARNING:",
        "DEBUG tensor dump",
    ],
)
def test_an_hour_holds_what_real_logs_hold(call, oddity):
    payloads = [line["payload"] for line in call.log("line-3-inspect", max_entries=1000)]

    assert any(oddity in payload for payload in payloads)


def test_some_lines_share_a_time(call):
    times = [line["timestamp"] for line in call.log("line-3-inspect", max_entries=1000)]

    assert len(set(times)) < len(times)
