"""Refusals in passing: 401 and 429 for a time, for one key or all, and which calls a fault applies to."""

import time
from email.utils import parsedate_to_datetime

import pytest

from tests.sandbox.caller import wait_until

BEN, CAM = "sandbox-key-ben", "sandbox-key-cam"


def statuses(call, *, key="sandbox-key-ana"):
    """Return the statuses of the list and of the key check."""
    return call.get("/list", key=key).status_code, call.get("/", key=key).status_code


def test_keys_are_refused_for_a_time(call, sandbox):
    sandbox.refuse_keys(for_seconds=0.5)

    assert statuses(call) == (401, 401)
    assert call.get("/list").text == "Unauthorized (invalid api_key)"
    assert call.get("/").json()["error"]["status"] == 401
    wait_until(lambda: statuses(call) == (200, 200))


def test_the_key_check_can_go_on_working(call, sandbox):
    sandbox.refuse_keys("deployments")

    assert statuses(call) == (401, 200)
    assert call.post("/pause", deployment_name="dock-cameras").status_code == 401
    assert sandbox.journal() == []


@pytest.mark.parametrize("name", ["ben", BEN])
def test_one_key_can_be_refused(call, sandbox, name):
    sandbox.refuse_keys(key=name)

    assert statuses(call, key=BEN) == (401, 401)
    assert statuses(call) == statuses(call, key=CAM) == (200, 200)
    assert call.post("/pause", key=BEN, deployment_name="dock-cameras").status_code == 401
    assert BEN not in str(sandbox.control("GET", "faults"))


def test_a_rate_limit_says_when_it_ends(call, sandbox):
    sandbox.limit_rate("/list", for_seconds=1.5)

    answer = call.get("/list")

    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "2")
    assert call.get("/get", deployment_name="dock-cameras").status_code == 200
    time.sleep(1.5)
    assert call.get("/list").status_code == 200


def test_the_end_of_a_rate_limit_can_be_a_date_by_the_clock_of_roboflow(call, sandbox):
    sandbox.set_clock(-300)
    sandbox.limit_rate("/list", retry_after=10, form="date")

    headers = call.get("/list").headers

    wait = parsedate_to_datetime(headers["Retry-After"]) - parsedate_to_datetime(headers["Date"])
    assert 10 <= wait.total_seconds() <= 11
    assert parsedate_to_datetime(headers["Retry-After"]).timestamp() < time.time() - 280


@pytest.mark.parametrize(
    ("given", "sent"), [(7, "7"), (0.5, "0.5"), ("-3", "-3"), ("soon", "soon"), ("none", None)]
)
def test_the_text_of_retry_after_can_be_chosen(call, sandbox, given, sent):
    sandbox.limit_rate("/list", retry_after=given)

    assert call.get("/list").headers.get("Retry-After") == sent


def test_an_old_kind_can_last_for_a_time_too(call, sandbox):
    sandbox.fault("reads", "status", for_seconds=0.4, status=503)

    assert [call.get("/list").status_code for _ in range(3)] == [503] * 3
    assert call.post("/pause", deployment_name="dock-cameras").status_code == 200
    wait_until(lambda: call.get("/list").status_code == 200)


def test_a_fault_can_name_several_endpoints(call, sandbox):
    sandbox.fault(["/list", "/"], "status", 0, status=503)

    assert statuses(call) == (503, 503)
    assert call.get("/machine_types").status_code == 200


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"endpoint": "/lists", "kind": "silence"}, "Unknown endpoint"),
        ({"endpoint": [], "kind": "silence"}, "Unknown endpoint"),
        ({"endpoint": [["/list"]], "kind": "silence"}, "Unknown endpoint"),
        ({"kind": "unauthorized", "key": "nobody"}, "Unknown key"),
        ({"kind": "partial", "how": "gone"}, "how is one of"),
        ({"kind": "partial", "fields": "status"}, "fields is"),
        ({"kind": "silence", "then": "sing"}, "then is one of"),
        ({"kind": "stale", "seconds": -1}, "seconds is 0 or more"),
    ],
)
def test_an_order_that_could_never_strike_is_refused(sandbox, options, message):
    with pytest.raises(RuntimeError, match=message):
        sandbox.control("POST", "faults", options)


def test_only_known_parameters_choose_what_is_healed(sandbox):
    with pytest.raises(RuntimeError, match="Unknown fields"):
        sandbox.control("DELETE", "faults", {"colour": "red"})
