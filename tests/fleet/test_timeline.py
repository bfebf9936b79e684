"""The bar of a deployment's states: segments in their place, and nothing where nothing was observed."""

from datetime import UTC, datetime, timedelta

import pytest

from deployments.fleet.timeline import StatusSpan, draw_spans, status_spans, time_by_status

START = datetime(2026, 1, 1, tzinfo=UTC)
END = START + timedelta(hours=10)


def hour(number):
    return START + timedelta(hours=number)


def spans(*steps, gaps=()):
    """Return the spans of steps of (hour, status), with gaps of (hour, hour)."""
    known = [(hour(at), status) for at, status in steps]
    return status_spans(known, start=START, end=END, gaps=[(hour(a), hour(b)) for a, b in gaps])


def drawn(*steps, gaps=()):
    """Return (x, width, status) of the segments, in per cent of the drawing."""
    segments = draw_spans(spans(*steps, gaps=gaps), start=START, end=END)
    return [(one.x, one.width, one.span.status) for one in segments]


def test_without_steps_nothing_is_drawn():
    assert drawn() == []


def test_steps_fill_the_bar_up_to_its_end():
    assert drawn((0, "pending"), (1, "ready"), (6, "paused")) == [
        (0, 10, "pending"),
        (10, 50, "ready"),
        (60, 40, "paused"),
    ]


def test_nothing_is_drawn_before_the_deployment_was_seen():
    assert drawn((4, "ready")) == [(40, 60, "ready")]


def test_what_began_before_the_range_is_cut_at_its_start():
    assert drawn((-20, "ready"), (-5, "paused"), (5, "ready")) == [(0, 50, "paused"), (50, 50, "ready")]


def test_steps_after_the_range_are_not_drawn():
    assert drawn((5, "ready"), (12, "paused"), (14, "ready")) == [(50, 50, "ready")]


def test_a_deployment_that_is_gone_has_no_segment_until_it_is_back():
    assert drawn((0, "ready"), (2, "gone"), (8, "ready")) == [(0, 20, "ready"), (80, 20, "ready")]


def test_a_short_status_is_still_wide_enough_to_be_seen():
    assert drawn((0, "ready"), (5, "paused"), (5.0001, "ready"))[1] == (50, 0.1, "paused")


def test_a_span_says_from_when_to_when_it_was_so():
    (span,) = spans((-1, "ready"))

    assert (span.start, span.end, span.length) == (START, END, timedelta(hours=10))


def test_a_gap_cuts_a_status_in_two_and_is_told_as_not_observed():
    assert drawn((0, "ready"), gaps=[(2, 3), (5, 6)]) == [
        (0, 20, "ready"),
        (20, 10, "unobserved"),
        (30, 20, "ready"),
        (50, 10, "unobserved"),
        (60, 40, "ready"),
    ]


def test_a_gap_over_a_change_hides_when_it_was():
    assert drawn((0, "ready"), (4, "paused"), gaps=[(3, 5)]) == [
        (0, 30, "ready"),
        (30, 10, "unobserved"),
        (40, 10, "unobserved"),
        (50, 50, "paused"),
    ]


def test_a_gap_that_reaches_beyond_the_range_or_the_deployments_life_is_cut():
    assert drawn((4, "ready"), (6, "gone"), gaps=[(-5, 5), (5.5, 20)]) == [
        (40, 10, "unobserved"),
        (50, 5, "ready"),
        (55, 5, "unobserved"),
    ]


def test_times_are_summed_by_status_the_longest_first_and_what_was_not_observed_last():
    sums = time_by_status(spans((0, "paused"), (1, "ready"), (3, "paused"), (4, "ready"), gaps=[(5, 10)]))

    hours = {status: length / timedelta(hours=1) for status, length in sums.items()}
    assert list(hours.items()) == [("ready", 3), ("paused", 2), ("unobserved", 5)]


@pytest.mark.parametrize(
    ("status", "look"),
    [
        ("ready", "ready"),
        ("failed", "failed"),
        ("unobserved", "unobserved"),
        ("hibernating", "other"),
        ("", "other"),
    ],
)
def test_a_status_that_we_do_not_know_has_the_neutral_look(status, look):
    assert StatusSpan(status, START, END).look == look
