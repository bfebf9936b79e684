"""The hourly task deletes ended sessions and records of calls after a day, and keeps all others."""

from datetime import timedelta

from django.contrib.sessions.models import Session
from django.utils.timezone import now

from deployments.keys.models import Call
from portal.health.tasks import tidy_up
from portal.health.tidy import delete_expired_rows


def add_call(*, endpoint, at):
    return Call.objects.create(endpoint=endpoint, outcome="ok", milliseconds=1, at=at)


def add_session(*, key, expires_at):
    return Session.objects.create(session_key=key, session_data="", expire_date=expires_at)


def test_ended_sessions_are_deleted(db):
    current_time = now()
    add_session(key="ended", expires_at=current_time - timedelta(seconds=1))
    add_session(key="open", expires_at=current_time + timedelta(seconds=1))

    delete_expired_rows(now=current_time)

    assert [one.session_key for one in Session.objects.all()] == ["open"]


def test_records_of_calls_are_deleted_after_a_day(db):
    current_time = now()
    add_call(endpoint="/list", at=current_time - timedelta(hours=24, seconds=1))
    add_call(endpoint="/get", at=current_time - timedelta(hours=23, minutes=59))

    delete_expired_rows(now=current_time)

    assert [one.endpoint for one in Call.objects.all()] == ["/get"]


def test_the_task_tidies_by_the_real_time(db):
    add_call(endpoint="/list", at=now() - timedelta(days=2))

    tidy_up()

    assert not Call.objects.exists()
