"""The drawing of the numbers of lines: bars, their heights, times in the person's zone, and its words."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from deployments.logs.histogram import HEIGHT, MOST_BARS, bar_seconds, histogram_of, ticks_of
from deployments.logs.spans import Span
from deployments.logs.tally import Tally

START = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def span_of(length):
    return Span(START, START + length)


@pytest.mark.parametrize(
    ("length", "seconds"),
    [
        (timedelta(seconds=30), 1),
        (timedelta(minutes=15), 10),
        (HOUR, 60),
        (24 * HOUR, 1800),
        (timedelta(days=7), 7200),
        (timedelta(days=90), 86400),
        (timedelta(days=900), 10 * 86400),
    ],
)
def test_bars_have_a_width_that_people_know(length, seconds):
    assert bar_seconds(span_of(length)) == seconds
    assert length / timedelta(seconds=seconds) <= MOST_BARS


def tally_of(*bars, seconds=60):
    tally = Tally(seconds)
    for minute, counts in bars:
        tally.bars[int(START.timestamp()) + 60 * minute] = Counter(counts)
    return tally


def test_the_highest_bar_fills_the_drawing_and_errors_stand_at_its_foot():
    drawn = histogram_of(tally_of((0, {"INFO": 6, "ERROR": 2}), (30, {"INFO": 4})), span_of(HOUR))

    first, second = drawn.bars
    assert first.parts == [("ERROR", 30.0, 10.0), ("INFO", 0.0, 30.0)]
    assert second.parts == [("INFO", 20.0, 20.0)]
    assert (first.x, second.x) == (0, 50)
    assert first.text == "8 lines, 2 errors"


def test_one_error_among_thousands_of_lines_is_seen():
    drawn = histogram_of(tally_of((0, {"INFO": 9000, "ERROR": 1})), span_of(HOUR))

    assert drawn.bars[0].parts[0][2] >= 1
    assert all(y >= 0 and y <= HEIGHT for _, y, _ in drawn.bars[0].parts)


def test_with_a_level_only_its_lines_are_drawn():
    drawn = histogram_of(tally_of((0, {"INFO": 9}), (1, {"ERROR": 1})), span_of(HOUR), level="ERROR")

    assert [bar.counts for bar in drawn.bars] == [{"ERROR": 1}]


def test_a_bar_that_begins_before_the_range_is_drawn_from_its_start():
    drawn = histogram_of(tally_of((-5, {"INFO": 1}), seconds=600), span_of(HOUR))

    assert (drawn.bars[0].x, drawn.bars[0].width) == (0, pytest.approx(8.33))


def test_times_are_whole_ones_of_the_zone_of_the_person():
    with timezone.override(ZoneInfo("Asia/Kolkata")):  # five and a half hours ahead
        ticks = ticks_of(span_of(24 * HOUR))

    assert [text for _, text in ticks][:3] == ["18:00", "21:00", "00:00"]
    assert ticks[0][0] == pytest.approx(100 * 0.5 / 24, abs=0.01)


@pytest.mark.parametrize(
    ("field", "words"),
    [("since", "Counted since 31 Jan 12:00:00"), ("until", "Only lines before 31 Jan 12:00:00 are counted.")],
)
def test_what_is_not_counted_is_said(field, words):
    tally = Tally(60)
    setattr(tally, field, START)

    assert histogram_of(tally, span_of(HOUR)).note.startswith(words)


def test_nothing_is_an_empty_drawing():
    assert histogram_of(Tally(60), span_of(HOUR)).bars == []
