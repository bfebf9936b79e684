"""A poll that brings nothing costs one query; what could change its answer makes the portal look again."""

from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import now

from deployments.workspaces import quiet_polls
from deployments.workspaces.models import Membership, Workspace
from deployments.workspaces.revision import bump_revision
from deployments.workspaces.roles import Role
from tests.polls import poll_address

FLEET = "/w/acme-vision/"
REGIONS = ("heartbeat", "fleet-news")


@pytest.fixture(autouse=True)
def _read_lately(fleet):
    """The workspace was read a moment ago, so its age is no news."""
    Workspace.objects.update(synced_at=now(), watched_until=now() + timedelta(minutes=1))


@pytest.fixture(params=REGIONS)
def poll(request):
    """Ask for what is new as an open page of a person does; return the answer and the number of queries."""
    region, urls = request.param, {}

    def ask(person, **headers):
        if person.user.pk not in urls:
            page = person.get(f"{FLEET}?all=1").content.decode()
            urls[person.user.pk] = poll_address(page, region)
        with CaptureQueriesContext(connection) as queries:
            headers = {"HX-Request": "true", "HX-Target": region, **headers}
            answer = person.client.get(urls[person.user.pk], headers=headers)
        return answer, len(queries)

    return ask


@pytest.fixture
def steady(monkeypatch):
    """A steady clock that the test moves."""
    seconds = [1000.0]
    monkeypatch.setattr(quiet_polls, "steady_seconds", lambda: seconds[0])
    return seconds


def test_the_second_poll_that_brings_nothing_costs_one_query_and_has_the_same_answer(poll, ana):
    first, many = poll(ana)
    second, one = poll(ana)

    assert (first.status_code, second.status_code, second.content) == (204, 204, b"")
    assert many > 1 and one == 1
    for name in ("Portal-Fresh-At", "Cache-Control", "Content-Security-Policy"):
        assert second.get(name) == first.get(name)
    assert {name.strip() for name in first["Vary"].split(",")} == {
        name.strip() for name in second["Vary"].split(",")
    }


def test_a_change_is_news_at_once(poll, ana):
    poll(ana), poll(ana)
    bump_revision(Workspace.objects.get(slug="acme-vision").pk)

    assert poll(ana)[0].status_code == 200


def test_the_age_on_the_page_is_that_of_the_last_read(poll, ana):
    poll(ana)
    read_at = now() + timedelta(seconds=1)
    Workspace.objects.update(synced_at=read_at)

    assert poll(ana)[0]["Portal-Fresh-At"] == read_at.isoformat()


def test_an_age_that_is_warned_about_is_looked_at_by_the_view(poll, ana):
    poll(ana)
    Workspace.objects.update(synced_at=now() - timedelta(hours=2))

    assert poll(ana)[1] > 1


@pytest.mark.parametrize("end", ["signed out", "session removed", "session too old"])
def test_a_session_that_is_over_gets_no_answer(end, poll, ana):
    poll(ana)
    if end == "signed out":
        key = ana.client.cookies["portal-session"].value
        ana.post("/accounts/logout/")
        ana.client.cookies["portal-session"] = key
    elif end == "session removed":
        Session.objects.all().delete()
    else:
        Session.objects.update(expire_date=now() - timedelta(seconds=1))

    assert poll(ana)[0].status_code != 204


def test_somebody_else_gets_an_answer_of_their_own(poll, ana, ben):
    poll(ana)

    assert poll(ben)[1] > 1


@pytest.mark.parametrize("end", ["removed", "disabled"])
def test_whoever_is_out_gets_no_answer(end, poll, ana):
    poll(ana)
    if end == "removed":
        Membership.objects.filter(user=ana.user).update(removed_at=now())
    else:
        get_user_model().objects.filter(pk=ana.user.pk).update(is_active=False)

    assert poll(ana)[0].status_code != 204


def test_another_role_is_looked_at_by_the_view(poll, ana):
    poll(ana)
    Membership.objects.filter(user=ana.user).update(role=Role.VIEWER)

    assert poll(ana)[1] > 1


def test_all_else_is_looked_at_again_after_some_seconds(poll, ana, steady):
    poll(ana)
    quick = poll(ana)[1]

    steady[0] += quiet_polls.RECHECK_SECONDS

    assert quick == 1 and poll(ana)[1] > 1


def test_a_page_that_is_asked_for_without_htmx_is_never_answered_with_nothing(poll, ana):
    poll(ana)

    assert poll(ana, **{"HX-Request": "false"})[0].status_code == 200
    assert poll(ana, **{"HX-History-Restore-Request": "true"})[0].status_code == 200


def test_what_is_remembered_has_a_limit(poll, ana, monkeypatch):
    poll(ana)
    monkeypatch.setattr(quiet_polls, "MOST_REMEMBERED", 1)
    quiet_polls.remembered.clear()
    for rev in range(3):
        quiet_polls.remember(("session", f"/?rev={rev}", ""), Membership.objects.get(user=ana.user))

    assert len(quiet_polls.remembered) == 1
