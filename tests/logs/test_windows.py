"""Which windows of a log are read next."""

from datetime import UTC, datetime, timedelta

import pytest

from deployments.logs.windows import Window, next_windows, older_part

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("wanted_from", "start"),
    [
        (None, NOW - HOUR),
        (NOW - 5 * MINUTE, NOW - HOUR),
        (NOW - 24 * HOUR, NOW - 24 * HOUR),
        (NOW - 90 * 24 * HOUR, NOW - 30 * 24 * HOUR),
    ],
)
def test_the_first_harvest_reads_an_hour_or_what_is_wanted_up_to_thirty_days(wanted_from, start):
    windows = next_windows(covered_from=None, covered_to=None, wanted_from=wanted_from, now=NOW)

    assert windows == [Window(start, NOW)]


def test_a_later_harvest_repeats_the_last_sixty_seconds_so_that_no_late_line_is_lost():
    windows = next_windows(
        covered_from=NOW - HOUR, covered_to=NOW - 3 * SECOND, wanted_from=NOW - HOUR, now=NOW
    )

    assert windows == [Window(NOW - 63 * SECOND, NOW)]


def test_what_is_older_than_the_covered_part_is_read_after_the_newest_if_it_is_wanted():
    windows = next_windows(
        covered_from=NOW - HOUR, covered_to=NOW - MINUTE, wanted_from=NOW - 24 * HOUR, now=NOW
    )

    assert windows == [Window(NOW - 2 * MINUTE, NOW), Window(NOW - 24 * HOUR, NOW - HOUR)]


def test_a_window_that_was_read_by_a_clock_ahead_of_ours_still_ends_now():
    windows = next_windows(covered_from=NOW - HOUR, covered_to=NOW + HOUR, wanted_from=None, now=NOW)

    assert windows == [Window(NOW - MINUTE, NOW)]


@pytest.mark.parametrize(
    ("oldest", "rest"),
    [
        (NOW - MINUTE, Window(NOW - HOUR, NOW - MINUTE)),
        (NOW - HOUR, None),
        (NOW - 2 * HOUR, None),
        (NOW, None),
        (NOW + MINUTE, None),
    ],
)
def test_only_a_line_inside_a_window_leaves_an_older_part_to_read(oldest, rest):
    assert older_part(Window(NOW - HOUR, NOW), oldest) == rest
