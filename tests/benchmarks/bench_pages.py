"""Pages and polls at 10,000 deployments and after a year, against bare Django views."""

import pytest

from tests.polls import poll_address


def get(client, path, status=200, **headers):
    """Return a job that gets a page, which must answer with this status."""

    def job():
        answer = client.get(path, headers=headers)
        assert answer.status_code == status, (path, answer.status_code)
        return answer

    return job


FLEET = "/w/acme-vision/"


@pytest.mark.parametrize(("rows", "goal"), [(100, 1.5), (1000, 1.5)])
def test_fleet(rows, goal, client, floor_client, measure):
    measure(
        f"Fleet page, {rows} rows",
        get(client, f"{FLEET}?all=1&size={rows}"),
        get(floor_client, f"/floor/fleet/?rows={rows}"),
        against="one query, the same rows, Django template",
        goal=goal,
    )


@pytest.mark.parametrize(
    ("name", "region"), [("poll of the fleet", "fleet-news"), ("heartbeat", "heartbeat")]
)
def test_unchanged_poll(name, region, client, floor_client, measure):
    from django.db import connection

    url = poll_address(client.get(f"{FLEET}?all=1").content.decode(), region)
    measure(
        f"Unchanged {name}",
        get(client, url, 204, HX_Request="true", HX_Target=region),
        get(floor_client, "/floor/nothing/", 204),
        against="signed-in view that answers 204",
        goal=1.3 if connection.vendor == "sqlite" else 1.5,
    )


@pytest.mark.parametrize(
    ("name", "path", "floor", "goal"),
    [
        ("Activity", "/w/acme-vision/activity/", "/floor/events/", 3),
        ("Activity, a rare text", "/w/acme-vision/activity/?q=a-word-that-is-rare", "/floor/events/", 6),
        ("Operations", "/w/acme-vision/operations/", "/floor/operations/?workspace=1", 3),
        ("System", "/system/", "/floor/events/", 3),
        ("Audit log", "/activity/", "/floor/events/", 3),
    ],
)
def test_lists(name, path, floor, goal, client, floor_client, measure):
    measure(
        name, get(client, path), get(floor_client, floor), against="fifty rows, Django template", goal=goal
    )


def test_deployment(client, floor_client, measure, stock):
    path = f"/w/acme-vision/deployments/{stock.deployments[5].deployment_id}/"
    measure(
        "A deployment",
        get(client, path),
        get(floor_client, "/floor/events/"),
        against="fifty rows, Django template",
        goal=3,
    )
