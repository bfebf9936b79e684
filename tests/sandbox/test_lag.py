"""Answers of another time: reads that lag or are frozen, and changes that settle late or never."""

import time

import pytest

from tests.sandbox.caller import wait_until

NAME = "dock-cameras"


def listed(call, name=NAME):
    """Return the status of the deployment in the list, None if the list lacks it."""
    return {one["deployment_name"]: one["status"] for one in call.get("/list").json()}.get(name)


def fetched(call, name=NAME):
    """Return the status of the deployment by `/get`, None if it is not found."""
    answer = call.get("/get", deployment_name=name)
    return answer.json()["status"] if answer.status_code == 200 else None


READERS = {"/list": (listed, fetched), "/get": (fetched, listed)}


@pytest.mark.parametrize("lagging", ["/list", "/get"])
def test_one_read_lags_behind_the_other(call, sandbox, lagging):
    late, current = READERS[lagging]
    sandbox.lag(lagging, seconds=0.8)

    sandbox.change(NAME, action="pause")

    assert (late(call), current(call)) == ("ready", "paused")
    wait_until(lambda: late(call) == "paused")


@pytest.mark.parametrize("lagging", ["/list", "/get"])
def test_a_new_deployment_is_absent_and_a_deleted_one_still_there(call, sandbox, lagging):
    late, current = READERS[lagging]
    sandbox.lag(lagging)  # frozen

    sandbox.create("new-camera", status="ready")
    sandbox.change("night-shift", action="vanish")
    sandbox.change("qa-replay", action="delete")

    assert [late(call, name) for name in ("new-camera", "night-shift", "qa-replay")] == [
        None,
        "paused",
        "paused",
    ]
    assert current(call, "new-camera") == "ready"
    assert current(call, "night-shift") is None
    assert current(call, "qa-replay") in (None, "deleted")
    sandbox.heal(lagging, "stale")
    assert late(call, "new-camera") == "ready" and late(call, "night-shift") is None


def test_a_lagging_answer_has_the_former_fields_and_the_former_id(call, sandbox):
    before = call.get("/get", deployment_name=NAME).json()
    sandbox.lag("/get")

    sandbox.change(NAME, patch={"max_replicas": 9})
    sandbox.change(NAME, recreate=True)

    assert call.get("/get", deployment_name=NAME).json() == before


def test_a_deployment_made_through_the_api_is_absent_too(call, sandbox):
    sandbox.lag("/list", "/get", seconds=30)

    call.add_deployment()

    assert (listed(call, "new-camera"), fetched(call, "new-camera")) == (None, None)
    assert len(call.get("/list").json()) > 5


def test_changes_are_made_to_what_is_true_now(call, sandbox):
    sandbox.lag("/get", seconds=30)
    call.add_deployment()

    assert call.post("/pause", deployment_name="new-camera").status_code == 200


def test_the_lag_can_vary_from_answer_to_answer(call, sandbox):
    sandbox.change(NAME, action="pause")
    time.sleep(0.3)
    sandbox.lag("/list", seconds=0.6, varies=True)

    seen = {listed(call) for _ in range(12)}

    assert seen == {"ready", "paused"}


# Slow changes


@pytest.mark.parametrize(
    ("path", "name", "before", "after"),
    [
        ("/pause", NAME, "ready", "paused"),
        ("/resume", "night-shift", "paused", "ready"),
        ("/delete", NAME, "ready", "deleted"),
        ("/add", "new-camera", "pending", "ready"),
    ],
)
def test_a_change_is_accepted_and_settles_late(call, sandbox, path, name, before, after):
    sandbox.settle_slowly(path, seconds=0.9)
    started = time.monotonic()

    answer = call.add_deployment(name) if path == "/add" else call.post(path, deployment_name=name)

    assert answer.status_code == 200
    assert [entry["endpoint"] for entry in sandbox.journal()] == [path]
    assert fetched(call, name) == listed(call, name) == before
    while time.monotonic() - started < 0.8:
        assert fetched(call, name) == before
    call.wait_for_status(name, after)


@pytest.mark.parametrize(
    ("path", "name", "before"),
    [
        ("/pause", NAME, "ready"),
        ("/resume", "night-shift", "paused"),
        ("/delete", NAME, "ready"),
        ("/add", "new-camera", "pending"),
    ],
)
def test_a_change_is_accepted_and_never_settles(call, sandbox, path, name, before):
    sandbox.settle_slowly()

    answer = call.add_deployment(name) if path == "/add" else call.post(path, deployment_name=name)

    assert answer.status_code == 200
    time.sleep(0.7)
    assert fetched(call, name) == before
    assert [entry["endpoint"] for entry in sandbox.journal()] == [path]


def test_a_change_works_again_after_one_that_never_settled(call, sandbox):
    sandbox.settle_slowly("/pause")
    call.post("/pause", deployment_name=NAME)

    sandbox.heal("/pause", "slow_settle")
    call.post("/pause", deployment_name=NAME)

    call.wait_for_status(NAME, "paused")


def test_slow_changes_and_lagging_lists_apply_together(call, sandbox):
    sandbox.settle_slowly("/pause", seconds=0.3)
    sandbox.lag("/list", seconds=30)
    sandbox.partial("/list", "machine_type", entry=NAME)

    call.post("/pause", deployment_name=NAME)
    call.wait_for_status(NAME, "paused")

    entry = next(one for one in call.get("/list").json() if one["deployment_name"] == NAME)
    assert entry["status"] == "ready" and "machine_type" not in entry
