"""The last 24 hours of many deployments, as small bars."""

from datetime import timedelta

import pytest
from django.utils.timezone import now

from deployments.fleet.models import ObservationGap, StatusChange
from deployments.fleet.strips import strips_of

NOW = now()


def hours_ago(hours):
    return NOW - timedelta(hours=hours)


@pytest.fixture
def strip(fleet):
    """Return (hours ago of the start, hours, status) of the bar of pallet-counter with steps as given."""
    row = fleet["pallet-counter"]
    other = fleet["night-shift"]
    StatusChange.objects.all().delete()
    other.status_since = hours_ago(2)
    StatusChange.objects.create(deployment=other, before="ready", after="paused", observed_at=hours_ago(2))

    def draw(*steps, since=None, gone=None):
        for hours, before, after in steps:
            StatusChange.objects.create(
                deployment=row, before=before, after=after, observed_at=hours_ago(hours)
            )
        row.status_since = hours_ago(steps[-1][0] if since is None else since)
        row.gone_at = None if gone is None else hours_ago(gone)
        segments = strips_of(row.workspace, [row, other], now=NOW)[row.pk]
        return [
            (
                round((NOW - one.span.start).total_seconds() / 3600, 3),
                round(one.span.length.total_seconds() / 3600, 3),
                one.span.status,
            )
            for one in segments
        ]

    return draw


def test_a_deployment_that_did_not_change_for_a_day_has_one_segment(strip, fleet):
    assert strip(since=100) == [(24, 24, fleet["pallet-counter"].status)]


def test_before_the_first_step_of_the_day_it_had_the_status_that_it_left(strip):
    assert strip((6, "ready", "paused")) == [(24, 18, "ready"), (6, 6, "paused")]


def test_steps_come_in_the_order_in_which_they_were_seen(strip):
    assert strip((6, "ready", "paused"), (8, "pending", "ready"), since=6) == [
        (24, 16, "pending"),
        (8, 2, "ready"),
        (6, 6, "paused"),
    ]


def test_steps_of_earlier_days_are_left_out(strip):
    assert strip((30, "pending", "ready"), (6, "ready", "paused")) == [(24, 18, "ready"), (6, 6, "paused")]


def test_a_deployment_that_is_new_has_nothing_before_it_was_seen(strip):
    assert strip((3, "", "pending"), (2, "pending", "ready")) == [(3, 1, "pending"), (2, 2, "ready")]


def test_a_deployment_that_is_gone_has_nothing_after_that(strip):
    assert strip((5, "ready", "gone"), since=5, gone=5) == [(24, 19, "ready")]


def test_a_deployment_that_left_today_is_drawn_although_its_status_is_old(strip):
    assert strip((5, "ready", "gone"), since=100, gone=5) == [(24, 19, "ready")]


def test_one_that_was_gone_before_today_has_no_bar(strip):
    assert strip((50, "ready", "gone"), since=50, gone=50) == []


def test_where_the_portal_did_not_look_the_bar_says_so(strip, workspace):
    ObservationGap.objects.create(workspace=workspace, start=hours_ago(5), end=hours_ago(3))

    assert strip((6, "ready", "paused")) == [
        (24, 18, "ready"),
        (6, 1, "paused"),
        (5, 2, "unobserved"),
        (3, 3, "paused"),
    ]
