"""The endpoints of the deployments API: what they answer, and how they change later answers."""

import pytest

FIELDS = {
    "deployment_id",
    "deployment_name",
    "machine_type",
    "creator_email",
    "creator_id",
    "subdomain",
    "domain",
    "duration",
    "inference_version",
    "min_replicas",
    "max_replicas",
    "num_replicas",
    "status",
    "workspace_id",
    "workspace_url",
}
GETS = ["/list", "/get", "/get_log", "/machine_types", "/usage_workspace", "/usage_deployment"]
POSTS = ["/add", "/pause", "/resume", "/delete"]


def test_a_new_deployment_is_pending_without_replicas_then_ready_with_one(call):
    made = call.add_deployment(inference_version="latest")

    assert (made.status_code, made.headers["Content-Type"]) == (200, "application/json")
    assert set(made.json()) == FIELDS
    assert (made.json()["status"], made.json()["num_replicas"], made.json()["inference_version"]) == (
        "pending",
        0,
        "0.64.2",
    )
    call.wait_for_status("new-camera", "ready")
    assert call.get("/get", deployment_name="new-camera").json()["num_replicas"] == 1


def test_pause_and_resume_take_effect_after_a_delay(call):
    assert call.post("/pause", deployment_name="dock-cameras").json() == {"message": "OK"}
    assert call.status_of("dock-cameras") == "ready"
    call.wait_for_status("dock-cameras", "paused")

    assert call.post("/resume", deployment_name="dock-cameras").json() == {"message": "OK"}
    assert call.status_of("dock-cameras") == "pending"
    call.wait_for_status("dock-cameras", "ready")


def test_a_deleted_deployment_cannot_be_changed(call):
    call.post("/delete", deployment_name="dock-cameras")
    call.wait_for_status("dock-cameras", "deleted")

    answers = [call.post(path, deployment_name="dock-cameras") for path in ("/pause", "/resume", "/delete")]

    assert [answer.status_code for answer in answers] == [409, 409, 409]


def test_a_name_is_taken_until_its_deployment_is_deleted(call):
    first = call.add_deployment().json()["deployment_id"]
    assert call.add_deployment().status_code == 409
    call.post("/delete", deployment_name="new-camera")
    call.wait_for_status("new-camera", "deleted")

    second = call.add_deployment().json()["deployment_id"]

    shown = call.get("/list", show_deleted="true").json()
    assert second != first
    assert {one["deployment_id"] for one in shown if one["deployment_name"] == "new-camera"} == {
        first,
        second,
    }


def test_the_list_hides_expired_and_deleted_by_default(call):
    def statuses(**query):
        return {one["status"] for one in call.get("/list", **query).json()}

    assert statuses() & {"expired", "deleted"} == set()
    assert statuses(show_expired="true") & {"expired", "deleted"} == {"expired"}
    assert statuses(show_deleted="true") & {"expired", "deleted"} == {"deleted"}


def test_the_list_has_two_shapes(call, sandbox):
    bare = call.get("/list").json()
    sandbox.set(list_shape="wrapped")

    assert call.get("/list").json()["deployments"] == bare
    assert call.get("/machine_types").json()["machine_types"][0]["name"] == "dev-cpu"


def test_a_dev_type_expires_after_its_duration(call, sandbox):
    sandbox.set(hour_seconds=4)
    call.add_deployment("short-kept", machine_type="dev-cpu", duration=0.1)
    call.add_deployment("short-gone", machine_type="dev-gpu", duration=0.1, delete_on_expiration=True)
    call.add_deployment("long-lived", machine_type="prod-cpu", duration=0.1)

    call.wait_for_status("short-kept", "expired")
    call.wait_for_status("short-gone", "deleted")
    call.wait_for_status("long-lived", "ready")
    assert call.post("/resume", deployment_name="short-kept").status_code == 409


def test_a_subdomain_taken_by_another_workspace_gets_a_suffix(call):
    made = call.post(
        "/add", deployment_name="arm-vision", machine_type="prod-cpu", creator_email="ana@example.com"
    ).json()

    assert made["subdomain"].startswith("arm-vision-")
    assert made["domain"] == f"{made['subdomain']}.roboflow.cloud"


@pytest.mark.parametrize("path", [*GETS, *POSTS])
def test_a_bad_key_is_refused_in_plain_text(call, path):
    answer = (call.get if path in GETS else call.post)(path, key="nobody", deployment_name="dock-cameras")

    assert (answer.status_code, answer.text) == (401, "Unauthorized (invalid api_key)")
    assert answer.headers["Content-Type"].startswith("text/plain")


@pytest.mark.parametrize("path", ["/get", "/get_log", "/usage_deployment", "/pause", "/resume", "/delete"])
def test_an_unknown_name_is_not_found(call, path):
    answer = (call.get if path in GETS else call.post)(path, deployment_name="no-such-name")

    assert (answer.status_code, answer.text) == (404, "Deployment not found")


@pytest.mark.parametrize("path", [*GETS, *POSTS])
def test_a_wrong_method_is_refused(call, path):
    answer = (call.post if path in GETS else call.get)(path, deployment_name="dock-cameras")

    assert answer.status_code == 405
    assert call.send("PUT", path).status_code == 405


def test_a_key_sees_only_its_workspace(call):
    seen = {one["workspace_url"] for one in call.get("/list", key="sandbox-key-cam").json()}

    assert seen == {"birch-robotics"}
    assert call.get("/get", key="sandbox-key-cam", deployment_name="dock-cameras").status_code == 404


def test_a_post_may_have_the_key_in_its_query(call):
    answer = call.send("POST", "/pause?api_key=sandbox-key-ana", json={"deployment_name": "dock-cameras"})

    assert answer.json() == {"message": "OK"}


def test_head_answers_like_get_without_a_body(call):
    answer = call.send("HEAD", "/list?api_key=sandbox-key-ana")

    assert (answer.status_code, answer.content) == (200, b"")
    assert int(answer.headers["Content-Length"]) > 1000


def test_usage_counts_only_the_hours_in_which_a_deployment_was_ready(call):
    used = {one["deployment_name"]: one for one in call.get("/usage_workspace").json()["usage"]}

    assert used["line-3-inspect"]["hours"] == pytest.approx(24, abs=0.01)
    assert used["night-shift"]["hours"] == pytest.approx(14.4, abs=0.01)
    assert used["old-gate-cam"]["credits"] == 0
    assert call.get("/usage_deployment", deployment_name="line-3-inspect").json()["usage"] == [
        used["line-3-inspect"]
    ]
