"""The figures of the System page: calls of the last hour, sizes of tables."""

from datetime import timedelta

import pytest
from django.utils.timezone import now

from deployments.keys.models import Call, RegionState
from deployments.system.page import call_statistics, percentile, system_context
from portal.audit.models import Event


@pytest.mark.parametrize(
    ("values", "p50", "p95"),
    [([7], 7, 7), ([10, 20], 15, 19), (list(range(101)), 50, 95)],
)
def test_percentiles_are_interpolated(values, p50, p95):
    assert (percentile(values, 50), percentile(values, 95)) == (p50, p95)


def test_calls_of_the_last_hour_are_counted_by_endpoint_and_outcome(db):
    current_time = now()
    for minutes, endpoint, outcome, milliseconds in (
        (5, "/list", "ok", 100),
        (59, "/list", "ok", 200),
        (61, "/list", "ok", 9000),
        (1, "/list", "Unavailable", 5000),
        (1, "/get", "ok", 40),
    ):
        Call.objects.create(
            at=current_time - timedelta(minutes=minutes),
            endpoint=endpoint,
            outcome=outcome,
            milliseconds=milliseconds,
        )

    assert call_statistics(now=current_time) == [
        {"endpoint": "/get", "outcome": "ok", "count": 1, "p50": 40, "p95": 40},
        {"endpoint": "/list", "outcome": "Unavailable", "count": 1, "p50": 5000, "p95": 5000},
        {"endpoint": "/list", "outcome": "ok", "count": 2, "p50": 150, "p95": 195},
    ]


def test_the_sizes_of_the_growing_tables_are_known(ana):
    sizes = {name: (rows, size) for name, rows, size in system_context(now=now())["disk"]}

    assert sizes["Log lines"][0] == 0 and sizes["Database"][0] is None
    assert sizes["Entries of the trail"][0] == Event.objects.count() > 0


def test_regions_show_silence_and_how_their_clocks_differ(ana):
    silent_since = now() - timedelta(minutes=2)
    RegionState.objects.create(
        region="us",
        silent_since=silent_since,
        next_probe_at=now() + timedelta(minutes=4, seconds=30),
        clock_difference_ms=-300_000,
    )
    RegionState.objects.create(region="eu", clock_difference_ms=400)

    page = ana.get("/system/").content.decode()

    assert "silent since" in page and "in 4 min" in page
    assert "5 min behind the portal's" in page
    assert "in step with the portal's" in page
