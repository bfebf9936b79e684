"""The table of queues has every task of the portal, and beat sends each into its queue."""

import pytest

from portal.celery import app
from portal.queue.routes import CONCURRENCY, QUEUES, ROUTES, TICK

pytestmark = pytest.mark.usefixtures("_all_tasks")
WAITS_FOR_ROBOFLOW = ("operations.run", "operations.look", "fleet.sync", "logs.harvest", "keys.recheck_due")


@pytest.fixture
def _all_tasks():
    app.loader.import_default_modules()


def test_every_route_names_a_task_that_exists():
    assert set(ROUTES) - set(app.tasks) == set()


def test_every_task_of_the_beat_table_exists_and_goes_where_its_route_says():
    entries = app.conf.beat_schedule.values()

    assert {entry["task"] for entry in entries} - set(app.tasks) == set()
    assert [
        entry["task"] for entry in entries if entry["options"]["queue"] != ROUTES.get(entry["task"], TICK)
    ] == []


def test_no_task_that_waits_for_roboflow_is_a_tick():
    assert [task for task in WAITS_FOR_ROBOFLOW if not any(name.startswith(task) for name in ROUTES)] == []


def test_no_message_expires_by_the_clock_of_another_host():
    assert [entry for entry in app.conf.beat_schedule.values() if "expires" in entry["options"]] == []


def test_every_queue_has_a_worker():
    assert set(CONCURRENCY) == set(QUEUES) == {*ROUTES.values(), TICK}
