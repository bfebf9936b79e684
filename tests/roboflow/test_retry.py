"""Retries: which failed GETs are tried again, and when."""

from datetime import UTC, datetime

import pytest

from deployments.roboflow.errors import (
    KeyRefused,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    Unavailable,
)
from deployments.roboflow.retry import delay_seconds, may_retry, retry_after_of

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def failed(error_class, status=None, retry_after=None):
    error = error_class("It failed.", endpoint="/list", method="GET", status=status)
    if retry_after is not None:
        error.retry_after = retry_after
    return error


@pytest.mark.parametrize(
    "error",
    [
        failed(Unavailable),
        failed(Unavailable, 502),
        failed(Unavailable, 503),
        failed(Unavailable, 504),
        failed(RateLimited, 429),
        failed(RateLimited, 429, retry_after=10),
    ],
    ids=lambda error: f"{type(error).__name__}-{error.status}-{getattr(error, 'retry_after', None)}",
)
def test_a_failure_that_may_pass_soon_is_retried(error):
    assert may_retry(error)


@pytest.mark.parametrize(
    "error",
    [
        failed(Unavailable, 500),
        failed(Unavailable, 200),
        failed(KeyRefused, 401),
        failed(NotFound, 404),
        failed(Rejected, 400),
        failed(OutcomeUnknown),
        failed(RateLimited, 429, retry_after=10.5),
    ],
    ids=lambda error: f"{type(error).__name__}-{error.status}",
)
def test_a_failure_that_stays_or_a_long_retry_after_is_not_retried(error):
    assert not may_retry(error)


@pytest.mark.parametrize("seconds", [0.0, 0.1, 7.0])
@pytest.mark.parametrize("attempt", [1, 2, 5])
def test_retry_after_is_waited_for_exactly(seconds, attempt):
    assert delay_seconds(failed(RateLimited, 429, retry_after=seconds), attempt=attempt) == seconds


@pytest.mark.parametrize("error", [failed(Unavailable, 503), failed(RateLimited, 429)])
@pytest.mark.parametrize(
    ("attempt", "longest"), [(1, 0.5), (2, 1.0), (3, 2.0), (5, 8.0), (6, 10.0), (20, 10.0)]
)
def test_without_retry_after_the_delay_doubles_up_to_ten_seconds_with_jitter(error, attempt, longest):
    delays = [delay_seconds(error, attempt=attempt) for _ in range(50)]

    assert all(longest / 2 <= delay <= longest for delay in delays)
    assert len(set(delays)) > 1


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("5", 5.0),
        ("0", 0.0),
        ("2.5", 2.5),
        ("-3", 0.0),
        ("1e9", 86400.0),
        ("inf", 86400.0),
        ("Sun, 01 Mar 2026 12:00:30 GMT", 30.0),
        ("Sun, 01 Mar 2026 12:00:30", 30.0),
        ("Sun, 01 Mar 2026 13:00:30 +0100", 30.0),
        ("Sun, 01 Mar 2026 11:59:00 GMT", 0.0),
    ],
)
def test_a_retry_after_header_is_read_as_seconds_or_as_a_date(header, seconds):
    assert retry_after_of(header, now=NOW) == seconds


@pytest.mark.parametrize("header", [None, "", "soon", "nan", "Sun, 99 Foo 2026", "1 2 3"])
def test_a_missing_or_unreadable_retry_after_header_asks_for_nothing(header):
    assert retry_after_of(header, now=NOW) is None
