"""Validation of parameters: a bad value is answered with 400 in plain text, and nothing is changed."""

import json

import pytest

BAD = [
    (
        "deployment_name",
        [
            "",
            "   ",
            None,
            True,
            7,
            [],
            "abcd",
            "a" * 16,
            "1abcde",
            "Upper-case",
            "under_score",
            "-dashes",
            "naïve-name",
        ],
    ),
    ("machine_type", ["", None, False, 3, {}, "prod-tpu", "PROD-CPU"]),
    ("creator_email", ["", None, True, 1, [], "someone@nowhere.invalid", "cam@example.com", "no address"]),
    ("duration", ["3", None, True, [], 0, -1, 0.05, 9000, 10**400]),
    ("inference_version", ["", True, 1, 0.64, [], "newest", "0.15.9", "0.64", "0.64.2.1", "v0.64.2"]),
    ("min_replicas", ["1", None, True, 1.0, 0, -1, 21, []]),
    ("max_replicas", ["1", None, True, 1.5, 0, 21, {}]),
    ("delete_on_expiration", ["true", None, 1, 0, []]),
]
CASES = [(field, value) for field, values in BAD for value in values]


@pytest.mark.parametrize(("field", "value"), CASES)
def test_a_bad_value_of_a_new_deployment_is_refused(call, sandbox, field, value):
    answer = call.add_deployment(**{"name": value} if field == "deployment_name" else {field: value})

    assert (answer.status_code, field in answer.text) == (400, True)
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert "require" not in answer.text.lower()
    assert sandbox.journal() == []


@pytest.mark.parametrize("field", ["deployment_name", "machine_type", "creator_email"])
def test_a_missing_field_is_refused(call, field):
    fields = {"deployment_name": "new-camera", "machine_type": "dev-cpu", "creator_email": "ana@example.com"}
    del fields[field]

    answer = call.post("/add", **fields)

    assert (answer.status_code, answer.text) == (400, f"Missing field: {field}")


@pytest.mark.parametrize("value", [None, "", True, 5, [], {}])
@pytest.mark.parametrize("path", ["/pause", "/resume", "/delete"])
def test_a_bad_name_of_a_deployment_to_change_is_refused(call, path, value):
    assert call.post(path, deployment_name=value).status_code == 400


@pytest.mark.parametrize("value", [None, "", True, 5, [], {}])
def test_a_key_of_another_json_type_is_refused(call, value):
    assert call.post("/pause", key=value, deployment_name="dock-cameras").status_code == 401


@pytest.mark.parametrize(
    "good",
    [{"duration": 1}, {"duration": 0.1}, {"inference_version": None}, {"min_replicas": 2, "max_replicas": 5}],
)
def test_unusual_but_valid_values_are_accepted(call, good):
    made = call.add_deployment(**good)

    assert made.status_code == 200
    assert {name: made.json()[name] for name in good if good[name] is not None}.items() >= good.items() - {
        ("inference_version", None)
    }


def test_replicas_must_fit_each_other_and_the_machine(call):
    assert call.add_deployment(min_replicas=3, max_replicas=2).status_code == 400
    assert call.add_deployment(machine_type="dev-cpu", max_replicas=2).status_code == 400


@pytest.mark.parametrize(
    "body", [b"not json", b"[1]", b'"text"', b"null", b"{", b"\xff\xfe", b"[" * 100_000, b'{"duration": NaN}']
)
def test_a_body_that_is_not_a_json_object_is_refused(call, body):
    answer = call.send("POST", "/add?api_key=sandbox-key-ana", data=body)

    assert (answer.status_code, answer.headers["Content-Type"]) == (400, "text/plain; charset=utf-8")


def test_nan_and_infinity_are_refused(call):
    for number in ("NaN", "Infinity", "1e999"):
        fields = json.dumps(
            {"deployment_name": "new-camera", "machine_type": "dev-cpu", "creator_email": "ana@example.com"}
        )
        answer = call.send(
            "POST", "/add?api_key=sandbox-key-ana", data=f'{fields[:-1]}, "duration": {number}}}'
        )
        assert answer.status_code == 400


def test_a_body_that_is_too_large_is_refused(call):
    answer = call.send("POST", "/add", data=b" " * ((1 << 20) + 1))

    assert answer.status_code == 413


@pytest.mark.parametrize(
    "query",
    [
        {"max_entries": "0"},
        {"max_entries": "-1"},
        {"max_entries": "many"},
        {"max_entries": "1.5"},
        {"from_timestamp": "yesterday"},
        {"from_timestamp": ""},
        {"to_timestamp": "2025-13-01"},
        {"from_timestamp": "2025-02-01", "to_timestamp": "2025-01-01"},
    ],
)
def test_a_bad_window_is_refused(call, query):
    assert call.get("/get_log", deployment_name="dock-cameras", **query).status_code == 400


def test_a_plus_sign_that_was_not_encoded_is_refused(call):
    path = "/get_log?api_key=sandbox-key-ana&deployment_name=dock-cameras&from_timestamp=2025-01-01T00:00:00"

    assert call.send("GET", path + "+00:00").status_code == 400
    assert call.send("GET", path + "%2B00:00").status_code == 200


def test_a_query_boolean_is_true_or_false(call):
    assert call.get("/list", show_expired="yes").status_code == 400
    assert call.get("/list", show_deleted="").status_code == 400
