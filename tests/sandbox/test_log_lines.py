"""Logs: newest first, the same in every answer, and consistent with the status."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from tests.sandbox.caller import wait_until

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00")
DAY_AGO = (datetime.now(UTC) - timedelta(days=1)).isoformat()


def test_lines_are_newest_first_with_six_fraction_digits_and_unique_ids(call):
    found = call.get_log("line-3-inspect", max_entries=1000)

    times = [line["timestamp"] for line in found]
    assert len(found) > 100
    assert times == sorted(times, reverse=True)
    assert all(TIME.fullmatch(at) for at in times)
    assert len({line["insert_id"] for line in found}) == len(found)
    assert {frozenset(line) for line in found} == {
        frozenset({"insert_id", "payload", "severity", "timestamp"})
    }


def test_the_default_is_fifty_lines_of_the_last_hour(call):
    assert len(call.get_log("line-3-inspect")) == 50
    assert len(call.get_log("line-3-inspect", max_entries=7)) == 7
    assert (
        call.get_log("arm-vision", key="sandbox-key-cam", from_timestamp=DAY_AGO)[-1]["timestamp"] > DAY_AGO
    )
    assert call.get_log("night-shift") == []


def test_adjacent_windows_together_equal_the_whole_window(call):
    end = datetime.now(UTC) - timedelta(minutes=1)
    middle, start = end - timedelta(minutes=30), end - timedelta(minutes=60)

    def lines_between(since, to):
        return call.get_log(
            "line-3-inspect", from_timestamp=since.isoformat(), to_timestamp=to.isoformat(), max_entries=1000
        )

    assert lines_between(start, end) == lines_between(middle, end) + lines_between(start, middle)
    assert all(
        start.isoformat() <= line["timestamp"] <= end.isoformat() for line in lines_between(start, end)
    )


def test_the_utc_offset_of_a_time_is_respected(call):
    end = datetime.now(UTC) - timedelta(minutes=1)
    east = (end + timedelta(hours=2)).replace(tzinfo=None).isoformat() + "+02:00"

    assert call.get_log("line-3-inspect", to_timestamp=east) == call.get_log(
        "line-3-inspect", to_timestamp=end.isoformat()
    )


def test_nothing_is_written_while_paused(call):
    assert call.get_log("night-shift", max_entries=1000) == []

    last_day = call.get_log("night-shift", from_timestamp=DAY_AGO, max_entries=1000)

    assert last_day[0]["payload"] == "INFO:     Finished server process [1]"
    assert any("HTTP/1.1" in line["payload"] for line in last_day)


def test_a_start_is_logged_from_the_image_to_ready(call, sandbox):
    call.add_deployment()
    call.wait_for_status("new-camera", "ready")
    wait_until(lambda: any("warm" in line["payload"] for line in call.get_log("new-camera")))

    payloads = [line["payload"] for line in reversed(call.get_log("new-camera"))]

    assert payloads[0].startswith("Pulling image roboflow/roboflow-inference-server:0.64.2")
    assert payloads.index("INFO:     Started server process [1]") < payloads.index(
        "INFO:     Application startup complete."
    )


def test_a_failed_start_ends_with_a_traceback(call):
    last_two_days = call.get_log(
        "ocr-benchmark", from_timestamp=(datetime.now(UTC) - timedelta(days=2)).isoformat()
    )

    assert last_two_days[0]["severity"] == "CRITICAL"
    assert "Traceback (most recent call last)" in last_two_days[1]["payload"]


@pytest.mark.parametrize(
    "fragment",
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
def test_an_hour_contains_what_real_logs_contain(call, fragment):
    payloads = [line["payload"] for line in call.get_log("line-3-inspect", max_entries=1000)]

    assert any(fragment in payload for payload in payloads)


def test_some_lines_have_the_same_timestamp(call):
    times = [line["timestamp"] for line in call.get_log("line-3-inspect", max_entries=1000)]

    assert len(set(times)) < len(times)
