"""Answers: each exchange becomes a parsed result or the error that says what the caller can do."""

import pytest

from deployments.roboflow import parse
from deployments.roboflow.answers import parse_answer
from deployments.roboflow.errors import (
    KeyRefused,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    Unavailable,
)
from deployments.roboflow.mask import Secret
from deployments.roboflow.transport import Answer, NoAnswer

KEY = Secret("Kx7pQ2mmR9sTvW4yZ1aB")
PAGE = b"<html><body>Not found</body></html>"


def parsed(outcome, method="GET", parse_body=parse.load_json):
    return parse_answer(outcome, key=KEY, method=method, endpoint="/get", parse_body=parse_body)


def answer(status, body=b"", retry_after=None):
    return Answer(status, retry_after, body)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_200_is_parsed(method):
    assert parsed(answer(200, b'{"a": 1}'), method) == ({"a": 1}, None)


@pytest.mark.parametrize(
    ("outcome", "of_a_get", "of_a_post"),
    [
        (answer(200, b"not JSON"), Unavailable, OutcomeUnknown),
        (answer(204), Unavailable, OutcomeUnknown),
        (answer(302), Unavailable, OutcomeUnknown),
        (answer(500), Unavailable, OutcomeUnknown),
        (answer(503), Unavailable, OutcomeUnknown),
        (NoAnswer("It broke."), Unavailable, OutcomeUnknown),
        (NoAnswer("It was refused.", never_sent=True), Unavailable, Unavailable),
        (answer(401), KeyRefused, KeyRefused),
        (answer(404), NotFound, NotFound),
        (answer(404, PAGE), Unavailable, NotFound),
        (answer(429), RateLimited, RateLimited),
        (answer(409), Rejected, Rejected),
    ],
    ids=repr,
)
def test_every_other_outcome_is_an_error_for_its_method(outcome, of_a_get, of_a_post):
    errors = [parsed(outcome, method)[1] for method in ("GET", "POST")]

    assert [type(error) for error in errors] == [of_a_get, of_a_post]
    assert {(error.endpoint, error.status) for error in errors} == {
        ("/get", getattr(outcome, "status", None))
    }


@pytest.mark.parametrize("never_sent", [True, False])
def test_an_unavailable_answer_says_whether_anything_was_sent(never_sent):
    assert parsed(NoAnswer("It broke.", never_sent=never_sent))[1].never_sent is never_sent


@pytest.mark.parametrize(("header", "seconds"), [("12", 12.0), (None, None), ("soon", None)])
def test_a_429_carries_its_retry_after(header, seconds):
    assert parsed(answer(429, b"slow down", header))[1].retry_after == seconds


def test_a_refusal_keeps_roboflows_text_without_the_key():
    error = parsed(answer(409, f"{KEY.reveal()} is busy".encode()))[1]

    assert error.text == "*** is busy"


@pytest.mark.parametrize(
    "echo",
    ['{"text": "KEY"}', '{"KEY": 1}', '{"text": ["api_key=KEY"]}', r'{"text": "\u004bx7pQ2mmR9sTvW4yZ1aB"}'],
)
def test_a_key_that_an_answer_repeats_is_masked(echo):
    result, _ = parsed(answer(200, echo.replace("KEY", KEY.reveal()).encode()))

    assert KEY.reveal() not in repr(result) and "***" in repr(result)


def test_an_answer_without_a_key_is_parsed_as_it_came():
    body = b'{"number": 1.0, "deep": [[[]]]}'

    assert parsed(answer(200, body), parse_body=bytes)[0] == body


def test_a_parser_that_recurses_too_deep_is_an_error():
    def recurse(body):
        return recurse(body)

    assert type(parsed(answer(200, b"{}"), parse_body=recurse)[1]) is Unavailable
