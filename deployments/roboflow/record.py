"""The record of one exchange: for counts, breaker and clock. It has nothing of the key or the answer."""

from dataclasses import dataclass
from datetime import datetime

from deployments.roboflow.errors import OutcomeUnknown, RateLimited, RoboflowError, Unavailable
from deployments.roboflow.retry import parse_http_date
from deployments.roboflow.transport import Answer, NoAnswer

# A Date header is written somewhere within the round trip: a longer one tells too little about the clock.
LONGEST_ROUND_TRIP_SECONDS = 4.0
HALF_A_TICK_SECONDS = 0.5  # a Date header has whole seconds only: on average it is this much too early


@dataclass(frozen=True)
class CallRecord:
    """One exchange. `clock_difference_seconds` is Roboflow's clock minus ours, by the answer's Date."""

    endpoint: str
    outcome: str  # "ok", or the name of the error class
    status: int | None  # None: no answer
    milliseconds: int
    timed_out: bool = False
    retry_after_seconds: float | None = None  # of a 429
    clock_difference_seconds: float | None = None


def record_of(
    endpoint: str,
    error: RoboflowError | None,
    outcome: Answer | NoAnswer,
    *,
    sent_at: datetime,
    seconds: float,
) -> CallRecord:
    """Return the record of an exchange that was sent at `sent_at` and took `seconds`."""
    return CallRecord(
        endpoint=endpoint,
        outcome=type(error).__name__ if error else "ok",
        status=outcome.status if isinstance(outcome, Answer) else None,
        milliseconds=int(seconds * 1000),
        timed_out=isinstance(error, Unavailable | OutcomeUnknown) and error.timed_out,
        retry_after_seconds=error.retry_after if isinstance(error, RateLimited) else None,
        clock_difference_seconds=clock_difference(outcome, sent_at=sent_at),
    )


def clock_difference(outcome: Answer | NoAnswer, *, sent_at: datetime) -> float | None:
    """Return the seconds by which Roboflow's clock is ahead of ours, or None if the answer does not tell.

    Half of the round trip had passed when the Date header was written: that is the best guess.
    """
    if not isinstance(outcome, Answer) or outcome.seconds_to_head > LONGEST_ROUND_TRIP_SECONDS:
        return None
    date = parse_http_date(outcome.date)
    if date is None:
        return None
    return (date - sent_at).total_seconds() + HALF_A_TICK_SECONDS - outcome.seconds_to_head / 2
