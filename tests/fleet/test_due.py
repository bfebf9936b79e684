"""When a list is due next: soon while something moves, slower when idle, later after failures."""

from datetime import UTC, datetime

import pytest

from deployments.fleet.due import next_sync_at

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def seconds_until_next(**given):
    fields = {
        "is_moving": False,
        "is_watched": False,
        "is_incomplete": False,
        "failures": 0,
        "retry_after_seconds": None,
        "active_seconds": 5,
        "idle_seconds": 60,
    }
    return (next_sync_at(now=NOW, **(fields | given)) - NOW).total_seconds()


def test_an_idle_workspace_is_due_after_the_idle_interval():
    assert seconds_until_next() == 60


@pytest.mark.parametrize("reason", ["is_moving", "is_watched", "is_incomplete"])
def test_a_workspace_with_a_reason_is_due_after_the_active_interval(reason):
    assert seconds_until_next(**{reason: True}) == 5


def test_an_active_interval_is_never_longer_than_an_idle_one():
    assert seconds_until_next(is_moving=True, active_seconds=90) == 60


@pytest.mark.parametrize(("failures", "longest"), [(1, 5), (2, 10), (3, 20), (4, 40), (5, 60), (2000, 60)])
def test_the_back_off_doubles_up_to_the_idle_interval(failures, longest):
    waits = {seconds_until_next(failures=failures) for _ in range(50)}

    assert all(0.8 * longest <= wait <= longest for wait in waits)
    assert len(waits) > 1  # workspaces that failed together do not all come back together


def test_a_failure_backs_off_also_while_something_moves():
    assert seconds_until_next(failures=5, is_moving=True, is_watched=True) >= 48


@pytest.mark.parametrize(("retry_after", "wait"), [(120, 120), (3600, 3600), (86400, 3600)])
def test_roboflow_is_left_alone_as_long_as_it_asks_but_no_longer_than_an_hour(retry_after, wait):
    assert seconds_until_next(failures=1, retry_after_seconds=retry_after) == wait


def test_a_retry_after_that_is_shorter_than_the_back_off_does_not_shorten_it():
    assert seconds_until_next(failures=4, retry_after_seconds=1) >= 32
