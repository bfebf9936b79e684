"""Spans of a log: what touches becomes one, and what is missing is asked for, newest first."""

from datetime import UTC, datetime, timedelta

import pytest

from deployments.logs.spans import AHEAD, LATE, OVERLAP, Span, join_spans, missing_spans, recent_span

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


def span(start, end):
    """A span in minutes after noon."""
    return Span(NOON + timedelta(minutes=start), NOON + timedelta(minutes=end))


@pytest.mark.parametrize(
    ("covered", "missing"),
    [
        ([], [(0, 60)]),
        ([(0, 60)], []),
        ([(-10, 70)], []),
        ([(0, 20), (20, 60)], []),
        ([(0, 20), (30, 60)], [(20, 30)]),
        ([(30, 60), (0, 20)], [(20, 30)]),  # in any order
        ([(10, 20), (40, 50)], [(50, 60), (20, 40), (0, 10)]),
        ([(10, 40), (20, 30)], [(40, 60), (0, 10)]),
        ([(70, 80)], [(0, 60)]),
        ([(-20, -10)], [(0, 60)]),
        ([(60, 70)], [(0, 60)]),
        ([(-5, 0)], [(0, 60)]),
        ([(59, 61)], [(0, 59)]),
    ],
)
def test_what_is_missing_is_the_rest_newest_first(covered, missing):
    assert missing_spans(span(0, 60), [span(*one) for one in covered]) == [span(*one) for one in missing]


def test_nothing_is_missing_of_a_span_that_is_empty_or_ends_before_it_starts():
    assert missing_spans(span(5, 5), []) == missing_spans(span(6, 5), []) == []


def test_spans_that_overlap_or_touch_are_joined():
    spans = [span(20, 30), span(0, 10), span(10, 15), span(25, 28), span(40, 41)]

    assert join_spans(spans) == [span(0, 15), span(20, 30), span(40, 41)]


@pytest.mark.parametrize(
    ("read_to", "covered_to", "start"),
    [
        (None, None, NOON - LATE - AHEAD),
        (None, NOON - LATE, NOON - LATE),
        (NOON - timedelta(seconds=3), NOON - LATE, NOON - timedelta(seconds=3) - OVERLAP),
        (
            NOON - timedelta(days=2),
            NOON - timedelta(days=2),
            NOON - LATE - AHEAD,
        ),  # the rest is read for good
        (NOON + timedelta(minutes=5), NOON - LATE, NOON - OVERLAP),  # a clock was set back since
        (None, NOON + timedelta(minutes=5), NOON),
    ],
)
def test_the_newest_lines_are_read_with_an_overlap_and_beyond_the_present(read_to, covered_to, start):
    found = recent_span(read_to=read_to, covered_to=covered_to, now=NOON)

    assert found == Span(start, NOON + AHEAD)
