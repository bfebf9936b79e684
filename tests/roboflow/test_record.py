"""The record of one exchange: what it shows about Roboflow's clock, silence and patience."""

from datetime import UTC, datetime

import pytest

from deployments.roboflow.errors import OutcomeUnknown, RateLimited, Unavailable
from deployments.roboflow.record import clock_difference, record_of
from deployments.roboflow.transport import Answer, NoAnswer

SENT_AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def answer(*, date="Sun, 01 Mar 2026 12:05:00 GMT", seconds=0.0, status=200):
    return Answer(status, None, b"", date=date, seconds_to_head=seconds)


def record(outcome, error=None):
    return record_of("/list", error, outcome, sent_at=SENT_AT, seconds=1.25)


@pytest.mark.parametrize(("round_trip", "ahead"), [(0, 300.5), (1, 300), (3, 299)])
def test_a_date_was_written_in_the_middle_of_the_round_trip_and_of_its_second(round_trip, ahead):
    assert clock_difference(answer(seconds=round_trip), sent_at=SENT_AT) == ahead


@pytest.mark.parametrize(
    "outcome",
    [
        answer(seconds=4.1),
        answer(date=None),
        answer(date=""),
        answer(date="soon"),
        NoAnswer("The connection broke."),
    ],
)
def test_without_a_clear_date_nothing_is_said_about_the_clock(outcome):
    assert clock_difference(outcome, sent_at=SENT_AT) is None


def test_an_answer_is_recorded_with_its_status_and_time():
    found = record(answer(status=404))

    assert (found.endpoint, found.outcome, found.status, found.milliseconds) == ("/list", "ok", 404, 1250)


@pytest.mark.parametrize("error_class", [Unavailable, OutcomeUnknown])
@pytest.mark.parametrize("timed_out", [True, False])
def test_silence_is_recorded_as_such(error_class, timed_out):
    error = error_class("No answer.", endpoint="/list", method="GET")
    error.timed_out = timed_out

    found = record(NoAnswer("No answer.", timed_out=timed_out), error)

    assert (found.outcome, found.status, found.timed_out) == (error_class.__name__, None, timed_out)


def test_a_retry_after_is_recorded():
    error = RateLimited("Too many.", endpoint="/list", method="GET", status=429)
    error.retry_after = 30.0

    assert record(answer(status=429), error).retry_after_seconds == 30
