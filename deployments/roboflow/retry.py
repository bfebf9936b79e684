"""Decides which failed GETs are tried again, and after how many seconds. POSTs are never retried. Pure."""

import random
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from deployments.roboflow.errors import RateLimited, RoboflowError, Unavailable

RETRIED_STATUSES = {502, 503, 504}
FIRST_DELAY_SECONDS, MAX_DELAY_SECONDS = 0.5, 10.0
MAX_RETRY_AFTER_SECONDS = 86400.0


def may_retry(error: RoboflowError) -> bool:
    """Return whether a retry may help: after no answer at all, a 429, or a 502, 503 or 504.

    A Retry-After above MAX_DELAY_SECONDS is not waited for here: the caller plans its next call with it.
    """
    if isinstance(error, RateLimited):
        return error.retry_after is None or error.retry_after <= MAX_DELAY_SECONDS
    return isinstance(error, Unavailable) and (error.status is None or error.status in RETRIED_STATUSES)


def delay_seconds(error: RoboflowError, *, attempt: int) -> float:
    """Return how many seconds to wait after `attempt` (the first is 1).

    The answer's Retry-After decides; without one, it is an exponential back-off with jitter.
    """
    if isinstance(error, RateLimited) and error.retry_after is not None:
        return error.retry_after
    backoff = min(MAX_DELAY_SECONDS, FIRST_DELAY_SECONDS * float(2 ** (attempt - 1)))
    return backoff * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, keeps no secret


def retry_after_of(header: str | None, *, now: datetime | None = None) -> float | None:
    """Return the seconds that a Retry-After header asks for: 0 to a day, None if it is missing or unreadable.

    It is a number of seconds or an HTTP date (RFC 9110, 10.2.3); a date is compared with `now` (aware).
    """
    if not header:
        return None
    try:
        seconds = float(header)
    except ValueError:
        at = parse_http_date(header)
        if at is None:
            return None
        seconds = (at - (now or datetime.now(UTC))).total_seconds()
    is_number = seconds == seconds  # NaN is not equal to itself
    return max(0.0, min(seconds, MAX_RETRY_AFTER_SECONDS)) if is_number else None


def parse_http_date(header: str | None) -> datetime | None:
    """Return the aware time of an HTTP date, None if it is missing or unreadable. The default zone is UTC."""
    try:
        at = parsedate_to_datetime(header or "")
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
