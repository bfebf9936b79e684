"""Workspaces: when one is due for a sync, and when pages warn about the age of what they show."""

from datetime import UTC, datetime, timedelta

import pytest

from deployments.workspaces.models import LONGEST_BACK_OFF, LONGEST_PATIENCE, Membership, Workspace
from portal.accounts.models import User

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def seconds(count):
    return timedelta(seconds=count)


@pytest.fixture(autouse=True)
def intervals(settings):
    settings.SYNC_ACTIVE_SECONDS, settings.SYNC_IDLE_SECONDS = 5, 60


@pytest.mark.parametrize(
    ("age", "colour"),
    [(0, ""), (125, ""), (126, "amber"), (600, "amber"), (601, "red")],
)
def test_an_unwatched_workspace_warns_after_two_idle_intervals(age, colour):
    assert Workspace(synced_at=NOW - seconds(age)).staleness(NOW) == colour


@pytest.mark.parametrize(("age", "colour"), [(15, ""), (16, "amber"), (601, "red")])
def test_a_watched_workspace_warns_after_two_active_intervals(age, colour):
    workspace = Workspace(
        synced_at=NOW - seconds(age),
        watched_since=NOW - seconds(1000),
        watched_until=NOW + seconds(10),
    )

    assert workspace.staleness(NOW) == colour


@pytest.mark.parametrize(("watched_for", "colour"), [(1, ""), (15, ""), (16, "amber")])
def test_the_age_from_a_time_without_viewers_does_not_warn_at_once(watched_for, colour):
    workspace = Workspace(
        synced_at=NOW - seconds(60),
        watched_since=NOW - seconds(watched_for),
        watched_until=NOW + seconds(10),
    )

    assert workspace.staleness(NOW) == colour


@pytest.mark.parametrize(
    ("age", "error", "colour"), [(10, "No answer.", ""), (11, "No answer.", "amber"), (11, "", "")]
)
def test_a_sync_that_failed_or_is_paused_warns_sooner(age, error, colour):
    workspace = Workspace(synced_at=NOW - seconds(age), sync_error_reading=error)

    assert workspace.staleness(NOW) == colour


@pytest.mark.parametrize(("error", "colour"), [("", ""), ("No answer.", "amber")])
def test_before_the_first_sync_only_an_error_warns(error, colour):
    assert Workspace(sync_error_reading=error).staleness(NOW) == colour
    assert Workspace().age(NOW) is None


@pytest.mark.parametrize(("until", "is_watched"), [(None, False), (NOW, False), (NOW + seconds(1), True)])
def test_a_workspace_is_watched_until_its_time(until, is_watched):
    assert Workspace(watched_until=until).is_watched(NOW) is is_watched


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("due_at", "is_due"),
    [
        (None, False),
        (NOW, True),
        (NOW - seconds(1), True),
        (NOW + seconds(1), False),
        (NOW + LONGEST_BACK_OFF, False),
        (NOW + LONGEST_BACK_OFF + seconds(1), True),
    ],
)
def test_a_workspace_is_due_at_its_time_or_when_the_clock_was_set_back(due_at, is_due):
    Workspace.objects.create(
        slug="a", roboflow_slug="a", name="A", region="us", created_at=NOW, sync_due_at=due_at
    )

    assert Workspace.objects.due(NOW).exists() is is_due


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("times", "is_under_way"),
    [
        ({}, False),
        ({"watched_until": NOW + seconds(1)}, True),
        ({"watched_until": NOW}, False),
        ({"sync_attempted_at": NOW - seconds(50), "sync_due_at": NOW + seconds(10)}, False),  # idle
        ({"sync_attempted_at": NOW - seconds(3), "sync_due_at": NOW + seconds(2)}, True),  # something moves
        ({"sync_attempted_at": NOW - seconds(99), "sync_due_at": NOW - seconds(94)}, True),  # and it is late
    ],
)
def test_a_workspace_is_under_way_while_it_is_watched_or_synced_often(times, is_under_way):
    Workspace.objects.create(slug="a", roboflow_slug="a", name="A", region="us", created_at=NOW, **times)

    assert Workspace.objects.under_way(NOW).exists() is is_under_way


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("patience_until", "is_due"),
    [
        (NOW, True),  # it is over, so the due time is wrong
        (NOW + LONGEST_PATIENCE, False),
        (NOW + LONGEST_PATIENCE + seconds(1), True),  # written before the clock was set back
    ],
)
def test_only_a_retry_after_puts_a_sync_off_for_longer_than_a_back_off(patience_until, is_due):
    Workspace.objects.create(
        slug="a",
        roboflow_slug="a",
        name="A",
        region="us",
        created_at=NOW,
        sync_due_at=NOW + LONGEST_PATIENCE,
        patience_until=patience_until,
    )

    assert Workspace.objects.due(NOW).exists() is is_due


def test_removed_and_disabled_members_are_not_current(ana, ben, vera):
    Membership.objects.filter(user=ben.user).update(removed_at=NOW)
    User.objects.filter(pk=vera.user.pk).update(is_active=False)

    assert [membership.user for membership in Membership.objects.current()] == [ana.user]
    assert [Membership.objects.of_person(person.user).count() for person in (ana, ben, vera)] == [1, 0, 0]
