"""Gaps: the spans in which the portal did not see what Roboflow reports."""

from datetime import timedelta

import pytest

from deployments.fleet.models import ObservationGap
from deployments.fleet.observed import gaps_of, record_gap
from deployments.workspaces.models import Workspace
from portal.clock import now


@pytest.fixture
def workspace(fleet):
    return Workspace.objects.get(slug="acme-vision")


def test_a_read_after_a_long_silence_leaves_a_gap_and_the_next_read_none(workspace, worker):
    hour_ago = now() - timedelta(hours=1)
    Workspace.objects.update(synced_at=hour_ago)

    worker.sync()
    worker.sync()

    gap = ObservationGap.objects.get()
    assert gap.start == hour_ago and now() - gap.end < timedelta(minutes=1)


@pytest.mark.parametrize(("minutes", "is_gap"), [(4, False), (6, True)])
def test_five_minutes_without_a_read_are_a_gap(workspace, minutes, is_gap):
    workspace.synced_at = now() - timedelta(minutes=minutes)

    record_gap(workspace, now=now())

    assert ObservationGap.objects.exists() is is_gap


def test_where_reads_are_rare_by_setting_two_of_them_missing_are_a_gap(workspace, settings):
    settings.SYNC_IDLE_SECONDS = 600
    workspace.synced_at = now() - timedelta(minutes=19)
    assert gaps_of(workspace, start=now() - timedelta(hours=1), now=now()) == []

    workspace.synced_at = now() - timedelta(minutes=21)
    (gap,) = gaps_of(workspace, start=now() - timedelta(hours=1), now=now())
    assert gap[0] == workspace.synced_at


def test_the_gap_that_goes_on_is_there_before_it_ends_and_old_ones_are_left_out(workspace):
    moment = now()
    old = ObservationGap(
        workspace=workspace, start=moment - timedelta(days=9), end=moment - timedelta(days=8)
    )
    late = ObservationGap(
        workspace=workspace, start=moment - timedelta(days=2), end=moment - timedelta(hours=20)
    )
    ObservationGap.objects.bulk_create([old, late])
    workspace.synced_at = moment - timedelta(hours=3)

    gaps = gaps_of(workspace, start=moment - timedelta(hours=24), now=moment)

    assert gaps == [(late.start, late.end), (workspace.synced_at, moment)]


def test_before_the_first_read_there_is_no_gap(workspace):
    workspace.synced_at = None

    record_gap(workspace, now=now())

    assert not ObservationGap.objects.exists() and gaps_of(workspace, start=now(), now=now()) == []
