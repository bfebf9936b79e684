"""The control address: the journal, changes from outside, keys, bulk deployments, reset."""

import pytest


def test_the_journal_names_who_changed_what_but_never_the_key(call, sandbox):
    made = call.add_deployment(key="sandbox-key-ben").json()
    call.post("/pause", deployment_name="dock-cameras")

    first, second = sandbox.journal()

    assert (first["endpoint"], first["deployment_name"], first["deployment_id"]) == (
        "/add",
        "new-camera",
        made["deployment_id"],
    )
    assert (first["by"], second["by"], second["endpoint"]) == ("ben", "ana", "/pause")
    assert second["sequence"] > first["sequence"]
    assert "sandbox-key" not in str(sandbox.control("GET", "journal"))


def test_the_journal_contains_only_calls_that_changed_something(call, sandbox):
    call.post("/pause", deployment_name="night-shift")
    call.post("/resume", deployment_name="dock-cameras")
    call.post("/pause", deployment_name="no-such-name")
    call.post("/pause", deployment_name="dock-cameras")
    call.post("/pause", deployment_name="dock-cameras")

    assert [entry["deployment_name"] for entry in sandbox.journal("/pause")] == ["dock-cameras"]
    assert sandbox.calls() == {"/pause": 4, "/resume": 1}


@pytest.mark.parametrize(
    ("action", "status"),
    [
        ("pause", "paused"),
        ("resume", "ready"),
        ("delete", "deleted"),
        ("fail", "failed"),
        ("expire", "expired"),
    ],
)
def test_a_change_from_outside_takes_effect_at_once(call, sandbox, action, status):
    sandbox.change("dock-cameras", action=action)

    assert call.status_of("dock-cameras") == status
    assert sandbox.journal() == []
    assert [entry["endpoint"] for entry in sandbox.outside()] == [action]


def test_any_word_can_be_a_status(call, sandbox):
    sandbox.change("dock-cameras", action="status", status="hibernating")

    assert call.status_of("dock-cameras") == "hibernating"
    assert call.post("/pause", deployment_name="dock-cameras").status_code == 200


def test_fields_can_be_patched(call, sandbox):
    sandbox.change("dock-cameras", patch={"max_replicas": 9, "gpu": "H100"})

    shown = call.get("/get", deployment_name="dock-cameras").json()

    assert (shown["max_replicas"], shown["gpu"]) == (9, "H100")


def test_a_deployment_can_be_recreated_with_the_same_name(call, sandbox):
    ids = sandbox.change("dock-cameras", recreate=True)

    shown = call.get("/list", show_deleted="true").json()
    pairs = {one["deployment_id"]: one["status"] for one in shown if one["deployment_name"] == "dock-cameras"}
    assert pairs == {ids["old_deployment_id"]: "deleted", ids["deployment_id"]: "pending"}
    assert call.get("/get", deployment_name="dock-cameras").json()["deployment_id"] == ids["deployment_id"]


def test_a_deployment_can_be_created_from_outside_and_removed(call, sandbox):
    made = sandbox.create("made-outside", status="ready", machine_type="prod-gpu")
    assert call.get("/get", deployment_name="made-outside").json()["deployment_id"] == made

    sandbox.change("made-outside", action="vanish")

    assert call.get("/get", deployment_name="made-outside").status_code == 404


def test_a_key_can_be_added_and_revoked(call, sandbox):
    sandbox.register_key("freshKey0123456789ab", "cedar-labs", members=["dee@example.com"], nick="dee")
    assert call.get("/", key="freshKey0123456789ab").json()["workspace"] == "cedar-labs"
    assert call.add_deployment(key="freshKey0123456789ab", creator_email="dee@example.com").status_code == 200

    sandbox.revoke_key("freshKey0123456789ab")

    assert call.get("/list", key="freshKey0123456789ab").status_code == 401
    assert call.get("/", key="freshKey0123456789ab").status_code == 401
    assert sandbox.journal()[0]["by"] == "dee"


def test_a_reset_restores_the_initial_data_and_settings(call, sandbox):
    before = [one["deployment_id"] for one in call.get("/list").json()]
    call.add_deployment()
    sandbox.set(list_shape="wrapped")
    sandbox.fault("*", "html", count=0)
    sandbox.revoke_key("sandbox-key-ana")

    sandbox.reset()

    assert [one["deployment_id"] for one in call.get("/list").json()] == before
    assert sandbox.journal() == []


def test_invalid_control_requests_are_refused(sandbox):
    for place, body in (
        ("nothing", {}),
        ("settings", {"colour": 1}),
        ("deployments/dock-cameras", {"action": "sing"}),
        ("keys", {}),
    ):
        with pytest.raises(RuntimeError, match=r": 40[04] "):
            sandbox.control("POST", place, body)


def test_the_control_address_answers_with_its_help(call):
    assert "POST   /__sandbox/faults" in call.send("GET", "/__sandbox/").text
