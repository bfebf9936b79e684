"""Roboflow's API address: which workspace a key belongs to."""


def test_get_and_post_answer_with_the_workspace_of_the_key(call):
    for method in ("GET", "POST"):
        answer = call.send(method, "/?api_key=sandbox-key-cam")
        assert (answer.status_code, answer.json()["workspace"]) == (200, "birch-robotics")


def test_the_key_may_be_in_the_authorization_header_or_the_body(call):
    bearer = call.send("GET", "/", headers={"Authorization": "Bearer sandbox-key-ana"})
    body = call.send("POST", "/", json={"api_key": "sandbox-key-ana"})

    assert bearer.json()["workspace"] == body.json()["workspace"] == "acme-vision"


def test_a_bad_key_is_answered_with_a_json_error(call):
    answer = call.get("/", key="nobody")

    assert answer.status_code == answer.json()["error"]["status"] == 401
    assert answer.headers["Content-Type"] == "application/json"


def test_a_workspace_is_shown_to_its_own_key_only(call):
    own, foreign = call.get("/acme-vision"), call.get("/birch-robotics")

    assert own.json()["workspace"] == {
        "name": "Acme Vision",
        "url": "acme-vision",
        "members": 3,
        "projects": [],
    }
    assert foreign.status_code == 404


def test_unknown_paths_are_not_found(call):
    assert call.get("/a/b").status_code == 404
    assert call.post("/add/more").status_code == 404
    assert call.post("/unknown").status_code == 404
