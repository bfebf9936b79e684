"""The numbers of lines by level and time: exact while they are few, from counts when they are many."""

from datetime import UTC, datetime, timedelta

import pytest

from deployments.logs import tally
from deployments.logs.models import Harvest, Line, LineCount
from deployments.logs.search import filter_lines
from deployments.logs.spans import Span
from deployments.logs.store import store_lines
from deployments.logs.tally import tally_lines
from deployments.roboflow.schema import LogLine, LogPage

START = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
MINUTES = 60
HOUR = Span(START, START + timedelta(hours=1))
PAYLOADS = ("ERROR: it broke", "INFO: text", 'INFO: "GET /healthz HTTP/1.1" 200 OK', "word")


@pytest.fixture
def stored(deployment):
    """Four lines each minute of an hour."""
    lines = [
        LogLine(
            insert_id=f"{minute}-{number}",
            timestamp=START + timedelta(minutes=minute, seconds=number),
            severity="WARNING" if payload == "word" else "",
            payload=payload,
        )
        for minute in range(MINUTES)
        for number, payload in enumerate(PAYLOADS)
    ]
    store_lines(
        Harvest.objects.create(deployment=deployment, workspace=deployment.workspace), LogPage(lines, [])
    )
    return Line.objects.all()


def tallied(rows, *, seconds=60, is_whole=True, shows_health=False, span=HOUR, is_live=True):
    return tally_lines(
        rows,
        LineCount.objects.all(),
        span=span,
        is_live=is_live,
        seconds=seconds,
        is_whole=is_whole,
        shows_health=shows_health,
    )


def test_few_lines_are_counted_exactly_by_level_and_bar(stored):
    found = tallied(stored, seconds=120)

    assert list(found.by_level.items()) == [("ERROR", 60), ("WARNING", 60), ("INFO", 60)]
    assert found.health_checks == 60
    assert len(found.bars) == 30
    assert found.bars[int(START.timestamp())] == {"ERROR": 2, "INFO": 2, "WARNING": 2}
    assert found.since is None


def test_health_checks_count_as_lines_where_they_are_shown(stored):
    assert tallied(stored, shows_health=True).by_level["INFO"] == 120


def test_the_lines_of_a_search_are_counted(stored):
    assert tallied(filter_lines(stored, {"q": "broke"}), is_whole=False).by_level == {"ERROR": 60}


def test_of_many_lines_the_counts_of_ten_minutes_tell_the_same_numbers(stored, monkeypatch):
    exact = tallied(stored)
    monkeypatch.setattr(tally, "MOST_COUNTED", 100)

    rough = tallied(stored)

    assert (rough.by_level, rough.health_checks) == (exact.by_level, exact.health_checks)
    assert [(at - int(START.timestamp())) // 60 for at in sorted(rough.bars)] == [0, 10, 20, 30, 40, 50]
    assert rough.since is None


def test_of_a_search_in_many_lines_the_newest_are_counted_and_it_says_since_when(stored, monkeypatch):
    monkeypatch.setattr(tally, "MOST_COUNTED", 100)

    found = tallied(filter_lines(stored, {"q": "broke"}), is_whole=False)

    assert found.since == START + timedelta(minutes=40)  # forty lines each ten minutes
    assert found.by_level == {"ERROR": 20}


def test_ten_minutes_with_more_lines_than_are_counted_are_counted_all_the_same(stored, monkeypatch):
    monkeypatch.setattr(tally, "MOST_COUNTED", 10)

    found = tallied(filter_lines(stored, {"q": "broke"}), is_whole=False)

    assert found.since == START + timedelta(minutes=50)
    assert found.by_level == {"ERROR": 10}


@pytest.mark.parametrize("is_live", [True, False])
@pytest.mark.parametrize("minutes", [(0, 60), (3, 47), (10, 50), (12, 18), (59, 60)])
def test_bars_of_ten_minutes_and_more_are_exact_at_both_ends_of_the_range(minutes, is_live, stored):
    first, last = minutes
    span = Span(START + timedelta(minutes=first), START + timedelta(minutes=last, seconds=2))
    rows = stored.filter(timestamp__gte=span.start)
    rows = rows if is_live else rows.filter(timestamp__lte=span.end)

    found = tallied(rows, seconds=1200, span=span, is_live=is_live)

    assert sum(found.levels.values()) + found.health_checks == rows.count()
    assert found.levels["ERROR"] == rows.filter(level="ERROR").count()
    assert sum(bar["ERROR"] for bar in found.bars.values()) == found.levels["ERROR"]
    assert all(at % 1200 == 0 for at in found.bars)
