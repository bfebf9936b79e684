"""Roboflow's clock: the Date header, log timestamps and times in queries follow it; deployments do not."""

import math
import time
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import pytest

from deployments.sandbox.clock import Clock
from tests.sandbox.caller import wait_until

NAME = "line-3-inspect"


def clock_difference(answer):
    """Return how many seconds the Date header is ahead of this machine's clock."""
    return parsedate_to_datetime(answer.headers["Date"]).timestamp() - time.time()


def iso(difference_seconds):
    return (datetime.now(UTC) + timedelta(seconds=difference_seconds)).isoformat()


def test_every_answer_has_one_date(call, sandbox):
    sandbox.fault("/get_log", "status", status=503)
    sandbox.fault("/get_log", "html")
    sandbox.fault("/get_log", "redirect")
    sandbox.fault("/get_log", "bomb", size=1)
    answers = [call.get("/get_log", deployment_name=NAME) for _ in range(4)]
    answers += [call.get("/list"), call.get("/list", key="nobody"), call.get("/"), call.get("/a/b")]
    answers += [call.add_deployment(), call.send("PUT", "/list"), call.send("BREW", "/list")]
    answers += [call.send("POST", "/add", data="x" * (2 << 20)), call.send("GET", "/__sandbox/faults")]

    assert [answer.raw.headers.getlist("Date") != [] for answer in answers] == [True] * 13
    assert {len(answer.raw.headers.getlist("Date")) for answer in answers} == {1}
    assert all(-5 < clock_difference(answer) < 5 for answer in answers)


@pytest.mark.parametrize("seconds", [300, -300])
def test_the_date_and_the_log_follow_the_clock(call, sandbox, seconds):
    # Both answers are asked for within one minute: the newest lines of the next one are not in the first.
    wait_until(lambda: time.time() % 60 < 50, seconds=15)
    right = call.get_log(NAME, from_timestamp=iso(-600), max_entries=20)

    sandbox.set_clock(seconds)

    shifted = call.get_log(NAME, from_timestamp=iso(seconds - 600), max_entries=20)
    assert clock_difference(call.get("/list")) == pytest.approx(seconds, abs=2)
    moved = [datetime.fromisoformat(line["timestamp"]) - timedelta(seconds=seconds) for line in shifted]
    expected = {line["insert_id"]: datetime.fromisoformat(line["timestamp"]) for line in right}
    same = [
        (at, expected[line["insert_id"]])
        for line, at in zip(shifted, moved, strict=True)
        if line["insert_id"] in expected
    ]
    assert len(same) > 10
    assert all(abs(one - other) < timedelta(microseconds=2) for one, other in same)


@pytest.mark.parametrize("seconds", [300, -300])
def test_a_window_is_meant_by_the_clock_of_roboflow(call, sandbox, seconds):
    sandbox.set_clock(seconds)

    found = call.get_log(NAME, from_timestamp=iso(seconds - 240), to_timestamp=iso(seconds - 30))

    times = [datetime.fromisoformat(line["timestamp"]).timestamp() - time.time() for line in found]
    assert len(times) > 5
    assert all(seconds - 241 < ahead < seconds - 29 for ahead in times)
    # Without an end the window reaches until Roboflow's now; a window in its future is empty.
    assert call.get_log(NAME, from_timestamp=iso(seconds - 240))[0]["timestamp"] >= found[0]["timestamp"]
    assert call.get_log(NAME, from_timestamp=iso(seconds + 30), to_timestamp=iso(seconds + 90)) == []


def test_lines_written_before_a_step_keep_their_timestamps(call, sandbox):
    before = call.get_log(NAME, from_timestamp=iso(-1200), to_timestamp=iso(-60), max_entries=1000)

    sandbox.set_clock(-600, step=True)

    after = call.get_log(NAME, from_timestamp=iso(-1200), to_timestamp=iso(-60), max_entries=1000)
    times = [line["timestamp"] for line in after]
    assert before and [line for line in after if line in before] == before[: len(before)]
    assert times == sorted(times, reverse=True)
    assert clock_difference(call.get("/list")) == pytest.approx(-600, abs=2)


def test_a_line_written_after_a_step_back_lies_in_the_past(call, sandbox):
    sandbox.set_clock(-600, step=True)
    call.add_deployment("new-camera")
    call.wait_for_status("new-camera", "ready")

    found = call.get_log("new-camera", from_timestamp=iso(-660), to_timestamp=iso(-590))

    assert any(line["payload"].startswith("Pulling image") for line in found)


def test_a_wrong_clock_makes_nothing_happen_to_deployments(call, sandbox):
    before = call.get("/list", show_expired="true").json()

    sandbox.set_clock(86_400)

    after = call.get("/list", show_expired="true").json()
    assert [one["status"] for one in after] == [one["status"] for one in before]


def test_usage_is_counted_for_the_same_span(call, sandbox):
    def hours():
        usage = call.get("/usage_workspace").json()["usage"]
        return {one["deployment_name"]: one["hours"] for one in usage}["night-shift"]

    before = hours()
    sandbox.set_clock(-36_000)

    assert hours() == pytest.approx(before, abs=0.01)


def test_the_clock_is_right_again_after_its_time_and_when_healed(call, sandbox):
    sandbox.set_clock(500, for_seconds=0.4)
    assert clock_difference(call.get("/list")) > 400
    wait_until(lambda: abs(clock_difference(call.get("/list"))) < 5)

    for heal in (sandbox.clear_faults, sandbox.reset, lambda: sandbox.heal(kind="clock")):
        sandbox.set_clock(500)
        assert clock_difference(call.get("/list")) > 400
        heal()
        assert abs(clock_difference(call.get("/list"))) < 5


def test_the_spans_of_a_clock_cover_all_times_once():
    clock = Clock()
    clock.set_difference(10, now=100, step=False)
    clock.set_difference(-5, now=200, step=True)
    clock.set_difference(7, now=300, step=True, for_seconds=50)

    assert clock.spans == (
        (-math.inf, 200, 10),
        (200, 300, -5),
        (300, 350, 7),
        (350, math.inf, 0),
    )
    assert [clock.difference_at(at) for at in (0, 199, 200, 300, 349, 350)] == [10, 10, -5, 7, 7, 0]
