"""Beat looks each second for what is due while something is under way, and every few seconds at rest."""

from datetime import timedelta
from itertools import pairwise

import pytest
import redis
import time_machine
from celery import Celery
from django.utils.timezone import now

from deployments.logs.tasks import read_due
from deployments.workspaces.models import Workspace
from portal.celery import app
from portal.queue import pace
from portal.queue.broker import broker_client
from portal.queue.steady import SteadyScheduler

pytestmark = pytest.mark.usefixtures("nothing_noted")


@pytest.fixture
def nothing_noted():
    broker_client().delete(pace.NOTE)
    yield
    broker_client().delete(pace.NOTE)


@pytest.fixture
def broker_away(monkeypatch, tmp_path):
    away = redis.Redis.from_url(f"unix://{tmp_path}/none", retry=None)
    monkeypatch.setattr(pace, "broker_client", lambda: away)


def sent_in(seconds, *, at_rest=5.0, then=lambda scheduler: None):
    """Let a beat tick for some seconds of its clock; return at which seconds it sent the paced task."""
    beat = Celery("test", broker="memory://", set_as_current=False)
    beat.conf.update(
        beat_max_loop_interval=1,
        beat_schedule={
            "read": {"task": "read", "schedule": pace.PacedSchedule(1.0, at_rest)},
            "other": {"task": "other", "schedule": 1.0},
        },
    )
    sent, started = [], now()
    with time_machine.travel(started, tick=False) as clock:
        scheduler = SteadyScheduler(beat, lazy=False)
        scheduler.apply_async = lambda entry, **_: sent.append((entry.task, round((now() - started).seconds)))
        while now() - started < timedelta(seconds=seconds):
            clock.shift(scheduler.tick() + 0.001)
    assert len([task for task, _ in sent if task == "other"]) >= seconds - 1
    return [at for task, at in sent if task == "read"]


def test_at_rest_the_task_is_sent_every_few_seconds_and_at_once_when_beat_starts():
    times = sent_in(30)

    assert times[0] == 0
    assert {later - earlier for earlier, later in pairwise(times)} <= {5, 6}


def test_while_something_is_under_way_it_is_sent_each_second():
    pace.note_under_way()

    assert sent_in(6) == [0, 1, 2, 3, 4, 5]


def test_the_note_ends_by_itself():
    pace.note_under_way()

    assert 0 < broker_client().ttl(pace.NOTE) <= pace.NOTE_SECONDS


@pytest.mark.usefixtures("broker_away")
def test_without_an_answer_of_the_broker_something_may_be_under_way():
    assert pace.is_under_way() is True
    assert sent_in(4) == [0, 1, 2, 3]


@pytest.mark.usefixtures("broker_away")
def test_a_broker_that_is_away_keeps_no_task_from_its_work():
    pace.note_under_way()


def test_what_is_due_is_looked_for_at_this_pace():
    schedule = app.conf.beat_schedule["read"]["schedule"]

    assert (schedule.seconds, schedule.at_rest.seconds) == (1.0, 5.0)


@pytest.mark.django_db
@pytest.mark.parametrize("is_watched", [True, False])
def test_what_looks_for_due_work_notes_that_a_page_is_open(workspace, is_watched):
    until = now() + timedelta(seconds=30 if is_watched else -30)
    Workspace.objects.update(watched_until=until, sync_due_at=now() + timedelta(seconds=50))

    read_due()

    assert pace.is_under_way() is is_watched


def test_the_first_page_that_somebody_opens_is_looked_for_at_once_and_the_next_ones_are_not(
    ana, workspace, published_tasks, django_capture_on_commit_callbacks
):
    for _ in range(3):
        with django_capture_on_commit_callbacks(execute=True):
            ana.get(f"/w/{workspace.slug}/")

    assert published_tasks.count(("logs.read_due",)) == 1


def test_the_list_of_a_workspace_is_read_at_once_when_it_has_its_first_key(
    mallory, sandbox, published_tasks, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        mallory.post("/keys/", {"api_key": "sandbox-key-cam"})

    assert ("logs.read_due",) in published_tasks
