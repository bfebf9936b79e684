"""Which GETs are tried again, and when. Pure; POSTs never are."""

import random
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from deployments.roboflow.errors import RateLimited, RoboflowError, Unavailable

AGAIN = {502, 503, 504}
BASE_SECONDS, MOST_SECONDS = 0.5, 10.0


def may_retry(error: RoboflowError) -> bool:
    """Say whether trying again may help: no connection, 429, or a gateway that stumbled."""
    if isinstance(error, RateLimited):
        return error.retry_after is None or error.retry_after <= MOST_SECONDS
    return isinstance(error, Unavailable) and (error.status is None or error.status in AGAIN)


def delay_seconds(error: RoboflowError, *, attempt: int) -> float:
    """Return how long to wait after `attempt` (from 1): what Roboflow asked for, else growing, with jitter."""
    if isinstance(error, RateLimited) and error.retry_after is not None:
        return error.retry_after
    return min(MOST_SECONDS, BASE_SECONDS * float(2 ** (attempt - 1))) * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load


def retry_after_of(header: str | None, *, now: datetime | None = None) -> float | None:
    """Return the seconds that a Retry-After header asks for, as a number or a date; None when it says nothing."""
    if not header:
        return None
    try:
        seconds = float(header)
    except ValueError:
        try:
            at = parsedate_to_datetime(header)
        except (ValueError, TypeError, IndexError, OverflowError):
            return None
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at
        seconds = (at - (now or datetime.now(UTC))).total_seconds()
    return max(0.0, min(seconds, 86400.0)) if seconds == seconds else None
