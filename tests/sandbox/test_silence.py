"""Silence: calls that are not answered, for a time or until healed, before or after processing."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from tests.sandbox.caller import Caller, wait_until

LOST = requests.exceptions.ConnectionError
TIMED_OUT = requests.exceptions.ReadTimeout
PAUSE = {"deployment_name": "dock-cameras"}


@pytest.fixture
def crowd():
    """Threads that call while the test goes on."""
    with ThreadPoolExecutor(60) as threads:
        yield threads


def call_alone(sandbox, path="/list", **query):
    """Send a GET over a connection of its own and return the status, or the type of the error."""
    caller = Caller(sandbox.url)
    try:
        return caller.get(path, **query).status_code
    except requests.RequestException as error:
        return type(error)
    finally:
        caller.session.close()


def pause_and_give_up(call, seconds=0.3):
    """Send a pause that is not answered, with this time-out."""
    with pytest.raises(TIMED_OUT):
        call.session.post(call.url + "/pause", json={"api_key": "sandbox-key-ana", **PAUSE}, timeout=seconds)


def test_a_silent_endpoint_answers_again_when_its_time_is_over(call, sandbox):
    sandbox.silence("/list", for_seconds=0.6)
    started = time.monotonic()

    with pytest.raises(LOST):
        call.get("/list")

    assert 0.5 < time.monotonic() - started < 5
    assert call.get("/list").status_code == 200


def test_sixty_waiting_calls_delay_no_other_endpoint_and_are_released_by_healing(call, sandbox, crowd):
    sandbox.silence("/list", "/get_log")
    waiting = [crowd.submit(call_alone, sandbox) for _ in range(40)]
    waiting += [
        crowd.submit(call_alone, sandbox, "/get_log", deployment_name="dock-cameras") for _ in range(20)
    ]
    wait_until(lambda: sandbox.hanging() == 60, seconds=20)

    started = time.monotonic()
    assert call.get("/get", **PAUSE).status_code == 200
    assert call.post("/pause", **PAUSE).status_code == 200
    assert time.monotonic() - started < 2
    assert sandbox.hanging() == 60

    sandbox.heal(kind="silence")

    assert {one.result(timeout=10) for one in waiting} == {LOST}
    assert sandbox.hanging() == 0
    assert call.get("/list").status_code == 200


def test_healing_one_endpoint_leaves_the_other_silent(call, sandbox):
    sandbox.silence("/list")
    sandbox.silence("/get", seconds=0.3)

    sandbox.heal("/list")

    assert call.get("/list").status_code == 200
    with pytest.raises(LOST):
        call.get("/get", **PAUSE)


def test_released_calls_can_be_answered(sandbox, crowd):
    sandbox.silence("/list", then="answer")
    waiting = crowd.submit(call_alone, sandbox)
    wait_until(lambda: sandbox.hanging() == 1)

    sandbox.clear_faults()

    assert waiting.result(timeout=10) == 200


@pytest.mark.parametrize(("after", "processed"), [(False, 0), (True, 1)])
def test_a_change_can_be_processed_or_not_before_the_silence(call, sandbox, after, processed):
    sandbox.silence("writes", after=after)

    pause_and_give_up(call)

    assert len(sandbox.journal("/pause")) == processed
    wait_until(lambda: sandbox.hanging() == 0)
    assert [one["status"] for one in sandbox.received("/pause")] == [None]
    sandbox.clear_faults()
    assert len(sandbox.journal("/pause")) == processed


def test_a_change_can_be_processed_after_its_client_has_given_up(call, sandbox):
    sandbox.silence("/pause", then="process")
    pause_and_give_up(call)
    assert sandbox.journal("/pause") == []

    sandbox.heal("/pause")

    wait_until(lambda: len(sandbox.journal("/pause")) == 1)


def test_a_reset_drops_the_waiting_changes(call, sandbox):
    sandbox.silence("/pause", then="process")
    pause_and_give_up(call)

    sandbox.reset()

    wait_until(lambda: sandbox.hanging() == 0)
    time.sleep(0.2)
    assert sandbox.journal("/pause") == []


def test_a_call_that_hangs_by_an_old_kind_is_released_by_healing(sandbox, crowd):
    sandbox.fault("/list", "timeout_before")
    waiting = crowd.submit(call_alone, sandbox)
    wait_until(lambda: sandbox.hanging() == 1)

    sandbox.clear_faults()

    assert waiting.result(timeout=10) == LOST


def test_everything_can_be_silent_but_the_control_address(call, sandbox):
    sandbox.silence(seconds=0.1)

    for path in ("/", "/acme-vision", "/list", "/machine_types"):
        with pytest.raises(LOST):
            call.get(path)
    assert sandbox.calls() == {"/": 1, "/{workspace}": 1, "/list": 1, "/machine_types": 1}


def test_a_list_of_endpoints_is_healed_as_it_was_ordered(call, sandbox):
    sandbox.fault(["/list", "/get"], "silence", seconds=0.1)

    sandbox.heal("/list")
    with pytest.raises(LOST):
        call.get("/list")
    sandbox.heal(["/list", "/get"])

    assert call.get("/list").status_code == 200
