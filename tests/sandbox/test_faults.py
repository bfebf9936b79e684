"""Every fault to order: what the caller sees, and whether the call was processed."""

import time

import pytest
import requests

LOST = requests.exceptions.ConnectionError
PAUSE = {"deployment_name": "dock-cameras"}


@pytest.mark.parametrize(("kind", "processed"), [("refuse", 0), ("reset_before", 0), ("reset_after", 1)])
def test_a_lost_connection(call, sandbox, kind, processed):
    sandbox.fault("/pause", kind)

    with pytest.raises(LOST, match="reset" if "reset" in kind else "without response"):
        call.post("/pause", **PAUSE)

    assert len(sandbox.journal("/pause")) == processed
    assert sandbox.calls()["/pause"] == 1


@pytest.mark.parametrize(("kind", "processed"), [("timeout_before", 0), ("timeout_after", 1)])
def test_a_call_that_hangs(call, sandbox, kind, processed):
    sandbox.fault("/pause", kind, seconds=0.4)
    begun = time.monotonic()

    with pytest.raises(LOST):
        call.post("/pause", **PAUSE)

    assert time.monotonic() - begun >= 0.4
    assert len(sandbox.journal("/pause")) == processed


@pytest.mark.parametrize(("kind", "processed"), [("status", 0), ("status_after", 1)])
def test_any_status_with_any_text(call, sandbox, kind, processed):
    sandbox.fault("/pause", kind, status=429, text="slow down", retry_after=3)

    answer = call.post("/pause", **PAUSE)

    assert (answer.status_code, answer.text, answer.headers["Retry-After"]) == (429, "slow down", "3")
    assert len(sandbox.journal("/pause")) == processed


def test_a_page_of_a_proxy(call, sandbox):
    sandbox.fault("*", "html")

    answer = call.get("/list")

    assert (answer.status_code, answer.headers["Content-Type"]) == (502, "text/html; charset=utf-8")
    assert "<h1>502 Bad Gateway</h1>" in answer.text


def test_a_redirect_elsewhere(call, sandbox):
    sandbox.fault("/pause", "redirect", location="http://127.0.0.1:9/there")

    answer = call.post("/pause", **PAUSE)

    assert (answer.status_code, answer.headers["Location"]) == (307, "http://127.0.0.1:9/there")
    assert sandbox.journal() == []


def test_an_answer_cut_in_the_middle(call, sandbox):
    sandbox.fault("/list", "truncated")

    with pytest.raises((LOST, requests.exceptions.ChunkedEncodingError)):
        call.get("/list")


def test_an_answer_that_drips(call, sandbox):
    sandbox.fault("/pause", "slow_drip", seconds=0.003)
    begun = time.monotonic()

    answer = call.post("/pause", **PAUSE)

    assert answer.json() == {"message": "OK"}
    assert time.monotonic() - begun > 0.3


@pytest.mark.parametrize("kind", ["wrong_json", "binary"])
def test_an_answer_that_is_no_json(call, sandbox, kind):
    sandbox.fault("/pause", kind)

    answer = call.post("/pause", **PAUSE)

    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")
    with pytest.raises(ValueError, match=r"."):
        answer.json()
    assert len(sandbox.journal("/pause")) == 1


def test_wrong_json_may_be_given(call, sandbox):
    sandbox.fault("/list", "wrong_json", text='"hello"')

    assert call.get("/list").json() == "hello"


def test_a_bomb_is_small_and_unpacks_to_much(call, sandbox):
    sandbox.fault("/list", "bomb", size=8)

    answer = call.get("/list")

    assert int(answer.headers["Content-Length"]) < 20_000
    assert len(answer.content) == (8 << 20) + 2


def test_objects_go_bad(call, sandbox):
    def shown(kind, **more):
        sandbox.fault("/get", kind, **more)
        return call.get("/get", **PAUSE).json()

    assert shown("wrong_types")["duration"] == {"value": 3.0}
    assert set(shown("missing_fields")) == {"deployment_id", "deployment_name", "status"}
    assert shown("extra_fields")["surprise"] == {"nested": [1, None, "x"]}
    assert shown("unknown_status")["status"] == "hibernating"
    assert shown("unknown_status", text="odd")["status"] == "odd"


@pytest.mark.parametrize("shape", ["bare", "wrapped"])
def test_lists_go_bad_in_either_shape(call, sandbox, shape):
    sandbox.set(list_shape=shape)

    def shown(kind=None, **more):
        if kind:
            sandbox.fault("*", kind, **more)
        found = call.get("/list").json()
        return found["deployments"] if shape == "wrapped" else found

    good = shown()
    assert shown("empty_list") == []
    assert shown("doubled_entries") == [one for entry in good for one in (entry, entry)]
    assert len({one["deployment_id"] for one in shown("huge_list", size=500)}) == 500
    assert [one for one in shown("bad_entry") if one in good] == good
    assert len(shown("bad_entry")) == len(good) + 2
    assert shown() == good


@pytest.mark.parametrize("path", ["/add", "/pause", "/resume", "/delete"])
def test_a_call_that_says_ok_and_does_nothing(call, sandbox, path):
    name = {"/add": "new-camera", "/resume": "night-shift"}.get(path, "dock-cameras")
    sandbox.fault("*", "ignored")

    answer = call.add(name) if path == "/add" else call.post(path, deployment_name=name)

    assert answer.status_code == 200
    assert sandbox.journal() == []
    if path == "/add":
        assert call.get("/get", deployment_name=name).status_code == 404


def test_a_deployment_that_stays_pending(call, sandbox):
    sandbox.fault("*", "stuck_pending")
    call.add("stuck-one")
    call.add("other-one")

    call.wait("other-one", "ready")

    assert call.status("stuck-one") == "pending"


def test_a_new_deployment_that_shows_late(call, sandbox):
    sandbox.fault("/add", "lag", seconds=0.5)
    assert call.add().status_code == 200

    hidden = call.get("/get", deployment_name="new-camera")
    listed = {one["deployment_name"] for one in call.get("/list").json()}

    assert (hidden.status_code, "new-camera" in listed) == (404, False)
    time.sleep(0.5)
    assert call.get("/get", deployment_name="new-camera").status_code == 200


def test_faults_are_counted_down_in_order_and_cleared(call, sandbox):
    sandbox.fault("/list", "status", count=2, status=503)
    sandbox.fault("/list", "status", count=0, status=429)

    assert [call.get("/list").status_code for _ in range(4)] == [503, 503, 429, 429]
    assert call.get("/get", **PAUSE).status_code == 200
    sandbox.clear_faults()
    assert call.get("/list").status_code == 200


def test_an_unknown_fault_is_refused(sandbox):
    with pytest.raises(RuntimeError, match="Unknown kind"):
        sandbox.fault("/list", "gremlins")
    with pytest.raises(RuntimeError, match="Unknown fields"):
        sandbox.fault("/list", "status", colour="red")
