"""Every fault: what the caller receives, and whether the call was processed."""

import time

import pytest
import requests

LOST = requests.exceptions.ConnectionError
PAUSE = {"deployment_name": "dock-cameras"}


@pytest.mark.parametrize(("kind", "processed"), [("refuse", 0), ("reset_before", 0), ("reset_after", 1)])
def test_a_connection_can_be_lost(call, sandbox, kind, processed):
    sandbox.fault("/pause", kind)

    with pytest.raises(LOST, match="reset" if "reset" in kind else "without response"):
        call.post("/pause", **PAUSE)

    assert len(sandbox.journal("/pause")) == processed
    assert sandbox.calls()["/pause"] == 1


@pytest.mark.parametrize(("kind", "processed"), [("timeout_before", 0), ("timeout_after", 1)])
def test_a_call_can_hang(call, sandbox, kind, processed):
    sandbox.fault("/pause", kind, seconds=0.4)
    begun = time.monotonic()

    with pytest.raises(LOST):
        call.post("/pause", **PAUSE)

    assert time.monotonic() - begun >= 0.4
    assert len(sandbox.journal("/pause")) == processed


@pytest.mark.parametrize(("kind", "processed"), [("status", 0), ("status_after", 1)])
def test_an_answer_can_have_any_status_and_text(call, sandbox, kind, processed):
    sandbox.fault("/pause", kind, status=429, text="slow down", retry_after=3)

    answer = call.post("/pause", **PAUSE)

    assert (answer.status_code, answer.text, answer.headers["Retry-After"]) == (429, "slow down", "3")
    assert len(sandbox.journal("/pause")) == processed


def test_an_answer_can_be_the_html_page_of_a_proxy(call, sandbox):
    sandbox.fault("*", "html")

    answer = call.get("/list")

    assert (answer.status_code, answer.headers["Content-Type"]) == (502, "text/html; charset=utf-8")
    assert "<h1>502 Bad Gateway</h1>" in answer.text


def test_an_answer_can_be_a_redirect(call, sandbox):
    sandbox.fault("/pause", "redirect", location="http://127.0.0.1:9/there")

    answer = call.post("/pause", **PAUSE)

    assert (answer.status_code, answer.headers["Location"]) == (307, "http://127.0.0.1:9/there")
    assert sandbox.journal() == []


def test_an_answer_can_be_truncated(call, sandbox):
    sandbox.fault("/list", "truncated")

    with pytest.raises((LOST, requests.exceptions.ChunkedEncodingError)):
        call.get("/list")


def test_an_answer_can_be_slow(call, sandbox):
    sandbox.fault("/pause", "slow_drip", seconds=0.003)
    begun = time.monotonic()

    answer = call.post("/pause", **PAUSE)

    assert answer.json() == {"message": "OK"}
    assert time.monotonic() - begun > 0.3


@pytest.mark.parametrize("kind", ["wrong_json", "binary"])
def test_an_answer_can_be_invalid_json(call, sandbox, kind):
    sandbox.fault("/pause", kind)

    answer = call.post("/pause", **PAUSE)

    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")
    with pytest.raises(ValueError, match=r"."):
        answer.json()
    assert len(sandbox.journal("/pause")) == 1


def test_the_body_of_wrong_json_can_be_chosen(call, sandbox):
    sandbox.fault("/list", "wrong_json", text='"hello"')

    assert call.get("/list").json() == "hello"


def test_a_gzip_bomb_is_small_and_unpacks_to_many_bytes(call, sandbox):
    sandbox.fault("/list", "bomb", size=8)

    answer = call.get("/list")

    assert int(answer.headers["Content-Length"]) < 20_000
    assert len(answer.content) == (8 << 20) + 2


def test_objects_can_be_corrupted(call, sandbox):
    def fetch_with_fault(kind, **options):
        sandbox.fault("/get", kind, **options)
        return call.get("/get", **PAUSE).json()

    assert fetch_with_fault("wrong_types")["duration"] == {"value": 3.0}
    assert set(fetch_with_fault("missing_fields")) == {"deployment_id", "deployment_name", "status"}
    assert fetch_with_fault("extra_fields")["surprise"] == {"nested": [1, None, "x"]}
    assert fetch_with_fault("unknown_status")["status"] == "hibernating"
    assert fetch_with_fault("unknown_status", text="odd")["status"] == "odd"


@pytest.mark.parametrize("shape", ["bare", "wrapped"])
def test_lists_can_be_corrupted_in_either_shape(call, sandbox, shape):
    sandbox.set(list_shape=shape)

    def fetch_list(kind=None, **options):
        if kind:
            sandbox.fault("*", kind, **options)
        found = call.get("/list").json()
        return found["deployments"] if shape == "wrapped" else found

    good = fetch_list()
    assert fetch_list("empty_list") == []
    assert fetch_list("doubled_entries") == [one for entry in good for one in (entry, entry)]
    assert len({one["deployment_id"] for one in fetch_list("huge_list", size=500)}) == 500
    assert [one for one in fetch_list("bad_entry") if one in good] == good
    assert len(fetch_list("bad_entry")) == len(good) + 2
    assert fetch_list() == good


@pytest.mark.parametrize("path", ["/add", "/pause", "/resume", "/delete"])
def test_a_call_can_answer_ok_and_change_nothing(call, sandbox, path):
    name = {"/add": "new-camera", "/resume": "night-shift"}.get(path, "dock-cameras")
    sandbox.fault("*", "ignored")

    answer = call.add_deployment(name) if path == "/add" else call.post(path, deployment_name=name)

    assert answer.status_code == 200
    assert sandbox.journal() == []
    if path == "/add":
        assert call.get("/get", deployment_name=name).status_code == 404


def test_a_deployment_can_stay_pending(call, sandbox):
    sandbox.fault("*", "stuck_pending")
    call.add_deployment("stuck-one")
    call.add_deployment("other-one")

    call.wait_for_status("other-one", "ready")

    assert call.status_of("stuck-one") == "pending"


def test_a_new_deployment_can_appear_late(call, sandbox):
    sandbox.fault("/add", "lag", seconds=0.5)
    assert call.add_deployment().status_code == 200

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
