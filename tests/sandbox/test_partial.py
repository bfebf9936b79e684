"""Partial answers: fields that are absent, null, empty or of a wrong type, in one entry or in all."""

import pytest

NAME = "dock-cameras"
EVERY_FIELD = (
    "deployment_id",
    "deployment_name",
    "machine_type",
    "creator_email",
    "subdomain",
    "duration",
    "min_replicas",
    "num_replicas",
    "status",
    "workspace_url",
)


@pytest.mark.parametrize("field", EVERY_FIELD)
@pytest.mark.parametrize("path", ["/list", "/get"])
def test_each_field_can_be_absent_alone(call, sandbox, path, field):
    def answer():
        given = call.get(path, deployment_name=NAME).json()
        return given if isinstance(given, list) else [given]

    before = answer()
    sandbox.partial(path, field)

    assert answer() == [{key: value for key, value in one.items() if key != field} for one in before]


@pytest.mark.parametrize(
    ("how", "options", "status", "duration"),
    [
        ("null", {}, None, None),
        ("empty", {}, "", ""),
        ("wrong_type", {}, ["ready", 7], {"value": 3.0}),
        ("value", {"value": 12}, 12, 12),
    ],
)
def test_a_field_can_be_wrong_in_four_ways(call, sandbox, how, options, status, duration):
    sandbox.partial("/get", "status", "duration", how=how, **options)

    shown = call.get("/get", deployment_name=NAME).json()

    assert (shown["status"], shown["duration"]) == (status, duration)
    assert shown["machine_type"] == "prod-gpu"


@pytest.mark.parametrize("shape", ["bare", "wrapped"])
@pytest.mark.parametrize("chosen_by", ["name", "id", "place"])
def test_one_entry_of_the_list_can_be_chosen(call, sandbox, shape, chosen_by):
    before = call.get("/list").json()
    place = next(place for place, one in enumerate(before) if one["deployment_name"] == NAME)
    entry = {"name": NAME, "id": before[place]["deployment_id"], "place": place}[chosen_by]
    sandbox.set(list_shape=shape)

    sandbox.partial("/list", "status", how="null", entry=entry)

    found = call.get("/list").json()
    found = found["deployments"] if shape == "wrapped" else found
    assert found == [{**one, "status": None} if one["deployment_name"] == NAME else one for one in before]


def test_all_fields_of_all_entries_can_be_absent(call, sandbox):
    sandbox.partial("*")

    found = call.get("/list").json()

    assert len(found) > 5 and all(one == {} for one in found)
    assert call.get("/get", deployment_name=NAME).json() == {}
    assert call.get("/machine_types").json() != []


def test_several_orders_apply_together_and_the_count_runs_out(call, sandbox):
    sandbox.partial("/list", "deployment_name", how="null", entry=NAME, count=1)
    sandbox.partial("/list", "status", entry=NAME, count=2)
    sandbox.partial("/get", "status", how="wrong_type")
    sandbox.partial("/get", "machine_type")

    first, second, third = (
        [one for one in call.get("/list").json() if "status" not in one] for _ in range(3)
    )

    assert [one["deployment_name"] for one in first] == [None]
    assert [one["deployment_name"] for one in second] == [NAME]
    assert third == []
    shown = call.get("/get", deployment_name=NAME).json()
    assert shown["status"] == ["ready", 7] and "machine_type" not in shown


def test_log_entries_can_be_partial(call, sandbox):
    sandbox.partial("/get_log", "timestamp", how="null", entry=0)

    found = call.get_log("line-3-inspect")

    assert found[0]["timestamp"] is None and all(line["timestamp"] for line in found[1:])


def test_errors_stay_as_they_are(call, sandbox):
    sandbox.partial("/get")

    assert call.get("/get", deployment_name="no-such-name").text == "Deployment not found"
