"""The query string of the log page: which span of time it shows, and which lines of it."""

from datetime import UTC, datetime, timedelta

import pytest

from deployments.logs.models import Line
from deployments.logs.search import (
    QueryForm,
    ShownRange,
    filter_lines,
)

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def shown_range(*, linked=None, **data):
    """Return the range that the page shows; `start` is the parameter `from`."""
    values = {"from": data.pop("start", None), **data}
    return ShownRange(values, linked=linked, now=NOW)


@pytest.fixture
def lines(deployment):
    """One line a minute, the newest at NOW + 2 minutes: Roboflow's clock may be ahead."""
    severities = ["ERROR", "", "INFO", "DEFAULT", "ERROR"]
    for minute, severity in zip(range(-2, 3), severities, strict=True):
        Line.objects.create(
            deployment=deployment,
            insert_id=f"line{minute}",
            timestamp=NOW + minute * MINUTE,
            severity=severity,
            payload=f"GET /{minute}",
        )
    return Line.objects.filter(deployment=deployment)


def ids(rows):
    return [line.insert_id for line in rows]


@pytest.mark.parametrize(
    ("name", "minutes", "chosen"),
    [("", 60, "1h"), (None, 60, "1h"), ("15m", 15, "15m"), ("1h", 60, "1h"), ("24h", 1440, "24h")],
)
def test_a_named_range_ends_now_and_is_live(name, minutes, chosen):
    shown = shown_range(range=name)

    assert (shown.start, shown.end) == (NOW - minutes * MINUTE, NOW)
    assert (shown.name, shown.is_live) == (chosen, True)


def test_typed_times_replace_a_named_range():
    shown = shown_range(start=NOW - 9 * MINUTE, to=NOW - 3 * MINUTE, range="24h")

    assert (shown.start, shown.end) == (NOW - 9 * MINUTE, NOW - 3 * MINUTE)
    assert (shown.name, shown.is_live) == ("", False)


def test_a_range_without_an_end_ends_now_and_one_without_a_start_is_an_hour():
    open_end, open_start = shown_range(start=NOW - 9 * MINUTE), shown_range(to=NOW - 3 * MINUTE)

    assert (open_end.start, open_end.end, open_end.is_live) == (NOW - 9 * MINUTE, NOW, True)
    assert (open_start.start, open_start.end) == (NOW - 63 * MINUTE, NOW - 3 * MINUTE)
    assert not open_start.is_live


@pytest.mark.parametrize(("seconds", "is_live"), [(-1, False), (0, True), (60, True)])
def test_a_typed_end_is_live_from_now_on(seconds, is_live):
    assert shown_range(to=NOW + timedelta(seconds=seconds)).is_live == is_live


def test_around_a_linked_line_ten_minutes_before_and_after_are_shown():
    linked = Line(timestamp=NOW - 60 * MINUTE)

    shown = shown_range(linked=linked, range="15m")

    assert (shown.start, shown.end) == (NOW - 70 * MINUTE, NOW - 50 * MINUTE)
    assert (shown.name, shown.is_live) == ("", False)
    assert shown_range(linked=linked, to=NOW - MINUTE).end == NOW - MINUTE
    assert shown_range(linked=linked, start=NOW - 2 * MINUTE).start == NOW - 2 * MINUTE


def test_a_live_range_has_lines_of_a_clock_ahead_and_a_closed_one_ends_with_its_last_moment(lines):
    live = shown_range(start=NOW - MINUTE).lines(lines)
    closed = shown_range(start=NOW - 2 * MINUTE, to=NOW - MINUTE).lines(lines)

    assert set(ids(live)) == {"line-1", "line0", "line1", "line2"}
    assert set(ids(closed)) == {"line-2", "line-1"}


@pytest.mark.parametrize(
    ("text", "severity", "found"),
    [
        ("", "", {"line-2", "line-1", "line0", "line1", "line2"}),
        ("get /1", "", {"line1"}),
        ("", "ERROR", {"line-2", "line2"}),
        ("", "DEFAULT", {"line1"}),
        ("", "none", {"line-1"}),
        ("/2", "ERROR", {"line2"}),
        ("/2", "INFO", set()),
        ("", "error", set()),
    ],
)
def test_text_and_severity_are_both_asked_for(text, severity, found, lines):
    assert set(ids(filter_lines(lines, {"q": text, "severity": severity}))) == found


@pytest.mark.parametrize(
    ("level", "found"),
    [("ERROR", {"line-2", "line2"}), ("INFO", {"line0"}), ("DEFAULT", {"line-1", "line1"}), ("DEBUG", set())],
)
def test_a_line_that_tells_no_level_has_that_of_its_severity(level, found, lines):
    assert set(ids(filter_lines(lines, {"level": level}))) == found


@pytest.mark.parametrize(
    ("start", "end", "is_valid"),
    [
        ("2026-05-01T10:00", "2026-05-01T11:00", True),
        ("2026-05-01T10:00", "2026-05-01T10:00", True),
        ("2026-05-01T10:01", "2026-05-01T10:00", False),
        ("", "2026-05-01T10:00", True),
        ("2026-05-01T10:00", "", True),
    ],
)
def test_a_range_that_ends_before_it_starts_is_refused_beside_from(start, end, is_valid):
    form = QueryForm({"from": start, "to": end})

    assert form.is_valid() == is_valid
    assert form.errors == ({} if is_valid else {"from": ["From must be before To."]})


@pytest.mark.parametrize(
    ("count", "is_valid"), [("", True), ("0", False), ("1", True), ("5000", True), ("5001", False)]
)
def test_between_one_and_five_thousand_lines_can_be_shown(count, is_valid):
    assert QueryForm({"max_entries": count}).is_valid() == is_valid


@pytest.mark.parametrize(
    ("text", "found"),
    [("/2 get", {"line2"}), ('"get /2"', {"line2"}), ('"2 get"', set()), ("get nothing", set())],
)
def test_a_line_is_found_when_it_has_all_words_and_phrases(text, found, lines):
    assert set(ids(filter_lines(lines, {"q": text}))) - {"line-2"} == found
