"""Times as text: spans, ages, exact times."""

import zoneinfo
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from portal.web.times import ago_text, exact_text, span_text

NOW = datetime(2026, 1, 31, 18, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "0 s"),
        (0, "0 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (61, "1 min"),
        (3600, "1 h"),
        (3600 + 12 * 60, "1 h 12 min"),
        (86400, "1 d"),
        (86400 + 60, "1 d"),  # two units from the largest on: days and hours
        (2 * 86400 + 3 * 3600 + 59, "2 d 3 h"),
        (400 * 86400, "400 d"),
    ],
)
def test_a_span_has_its_two_largest_units(seconds, text):
    assert span_text(timedelta(seconds=seconds)) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "just now"),
        (1.9, "just now"),
        (2, "2 s ago"),
        (59, "59 s ago"),
        (60, "1 min ago"),
        (3599, "59 min ago"),
        (3600, "1 h ago"),
        (86399, "23 h ago"),
        (86400, "1 d ago"),
        (-90, "in 1 min"),
        (-7200, "in 2 h"),
    ],
)
def test_an_age_has_one_unit(seconds, text):
    assert ago_text(NOW - timedelta(seconds=seconds), NOW) == text


def test_no_time_is_never():
    assert ago_text(None, NOW) == "never"


def test_an_exact_time_is_in_the_active_zone_and_names_it():
    with timezone.override(zoneinfo.ZoneInfo("Europe/Berlin")):
        assert exact_text(NOW) == "2026-01-31 19:00:00 CET"

    assert exact_text(NOW) == "2026-01-31 18:00:00 UTC"
