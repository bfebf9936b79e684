"""The calls received: reads too, by whom, with which cookie, and how they were answered."""

import time
from datetime import datetime


def test_every_call_is_listed_with_its_key_name_and_status(call, sandbox):
    call.get("/list")
    call.get("/get", key="sandbox-key-ben", deployment_name="dock-cameras")
    call.post("/pause", deployment_name="no-such-name")
    call.get("/list", key="nobody")
    call.send("GET", "/")

    found = sandbox.received()

    assert [
        (one["method"], one["endpoint"], one["by"], one["deployment_name"], one["status"]) for one in found
    ] == [
        ("GET", "/list", "ana", "", 200),
        ("GET", "/get", "ben", "dock-cameras", 200),
        ("POST", "/pause", "ana", "no-such-name", 404),
        ("GET", "/list", "unknown", "", 401),
        ("GET", "/", "", "", 401),
    ]
    assert abs(datetime.fromisoformat(found[0]["time"]).timestamp() - time.time()) < 10
    report = sandbox.control("GET", "calls")
    assert report["counts"] == {"/list": 2, "/get": 1, "/pause": 1, "/": 1}
    assert report["by_key"] == {"ana": 2, "ben": 1, "unknown": 1, "": 1}
    assert "sandbox-key" not in str(report)


def test_calls_can_be_counted_from_a_certain_one(call, sandbox):
    call.get("/list")
    start = sandbox.last_call()
    for _ in range(3):
        call.get("/list")
    call.get("/get", deployment_name="dock-cameras")

    assert sandbox.call_count("/list", since=start) == 3
    assert sandbox.call_count("/list", "/get", since=start) == sandbox.call_count(since=start) == 4
    assert sandbox.call_count() == 5
    assert len(sandbox.received("/list", since=start)) == 3


def test_a_reset_forgets_the_calls_and_numbers_on(call, sandbox):
    call.get("/list")
    before = sandbox.last_call()

    sandbox.reset()
    call.get("/list")

    assert [one["sequence"] for one in sandbox.received()] == [before + 1]
    assert sandbox.call_count(since=before) == 1


def test_calls_without_an_answer_are_counted(call, sandbox):
    sandbox.limit_rate("/get")
    sandbox.fault("/list", "status", status=503)

    call.get("/list")
    call.get("/get", deployment_name="dock-cameras")

    assert [one["status"] for one in sandbox.received()] == [503, 429]


def test_no_cookie_is_sent_unless_ordered(call):
    assert "Set-Cookie" not in call.get("/list").headers


def test_a_cookie_that_crosses_keys_is_seen(call, sandbox):
    sandbox.send_cookies()

    first = call.get("/list")
    call.get("/list", key="sandbox-key-ben")
    call.session.cookies.clear()
    call.get("/list", key="sandbox-key-ben")

    assert first.headers["Set-Cookie"] == "sandbox_session=ana; Path=/; HttpOnly"
    assert [(one["by"], one["cookie"]) for one in sandbox.received()] == [
        ("ana", ""),
        ("ben", "sandbox_session=ana"),
        ("ben", ""),
    ]


def test_refusals_carry_cookies_too(call, sandbox):
    sandbox.send_cookies("deployments")
    sandbox.refuse_keys()

    assert call.get("/list").headers["Set-Cookie"].startswith("sandbox_session=ana;")
    assert "Set-Cookie" not in call.get("/").headers
