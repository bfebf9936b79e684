"""Turns one exchange with Roboflow into a parsed result or one of the named errors, with every key masked."""

import json
import re
from collections.abc import Callable
from typing import TypeVar

from deployments.roboflow import parse, schema
from deployments.roboflow.errors import (
    OutcomeUnknown,
    RateLimited,
    RoboflowError,
    Unavailable,
    error_class_for,
    looks_like_a_page,
    readable_text,
    reading_for,
)
from deployments.roboflow.mask import Secret, mask_key, spellings_of
from deployments.roboflow.retry import parse_http_date, retry_after_of
from deployments.roboflow.transport import Answer, NoAnswer

T = TypeVar("T")
# Texts that occur next to a key, and escaped letters, which can hide a key from a plain search.
KEY_HINT = re.compile(rb"(?i)api_?key|bearer|\\u00[2-7]")
MALFORMED_EXCERPT = 4000  # bytes of an unreadable answer that its error shows


def parse_answer(
    outcome: Answer | NoAnswer,
    *,
    key: Secret,
    method: str,
    endpoint: str,
    parse_body: Callable[[bytes], T],
) -> tuple[T | None, RoboflowError | None]:
    """Return (result, None) for a usable answer, and (None, error) for everything else.

    `parse_body` is called with the body of a 200 and may raise Malformed. Errors are returned, not raised:
    the caller raises them where no foreign exception, which carries the key, becomes their context.
    """
    if isinstance(outcome, NoAnswer):
        return None, error_without_answer(outcome, method=method, endpoint=endpoint)
    body = outcome.body
    if outcome.status == 200:
        try:
            return parse_body(mask_echoed_keys(body, key)), None
        except (schema.Malformed, RecursionError) as malformed:
            reading = f"Roboflow's answer makes no sense. {mask_key(str(malformed), key)}"
            body = body[:MALFORMED_EXCERPT]
    elif method == "GET" and outcome.status == 404 and looks_like_a_page(body):
        reading = "A gateway between the portal and Roboflow answered, not Roboflow."
    elif 400 <= outcome.status < 500:
        return None, refusal_of(outcome, key=key, method=method, endpoint=endpoint)
    else:
        reading = reading_for(outcome.status)
    error_class = Unavailable if method == "GET" else OutcomeUnknown
    text = readable_text(body, key)
    return None, error_class(reading, endpoint=endpoint, method=method, status=outcome.status, text=text)


def refusal_of(answer: Answer, *, key: Secret, method: str, endpoint: str) -> RoboflowError:
    """Return the error of a 4xx answer; a 429 carries its Retry-After in seconds.

    A Retry-After that is a date is compared with the answer's own Date: the two clocks may differ.
    """
    refusal = error_class_for(answer.status)(
        reading_for(answer.status),
        endpoint=endpoint,
        method=method,
        status=answer.status,
        text=readable_text(answer.body, key),
    )
    if isinstance(refusal, RateLimited):
        refusal.retry_after = retry_after_of(answer.retry_after, now=parse_http_date(answer.date))
    return refusal


def mask_echoed_keys(body: bytes, key: Secret) -> bytes:
    """Return `body` with every key in it masked.

    A body that may contain a key is parsed, masked text by text, and written again. Any other body, and one
    that is not JSON, is returned as it is.
    """
    if not KEY_HINT.search(body) and not any(form.encode() in body for form in spellings_of(key.reveal())):
        return body
    try:
        value = parse.load_json(body)
        return json.dumps(parse.clean_json(value, clean=lambda text: mask_key(text, key))).encode()
    except (schema.Malformed, RecursionError):
        return body


def error_without_answer(no_answer: NoAnswer, *, method: str, endpoint: str) -> RoboflowError:
    """Return the error of a call without an answer.

    A POST is OutcomeUnknown, unless the connection was never made; then, and for a GET, it is Unavailable.
    """
    reading = f"Roboflow did not answer. {no_answer}"
    if method == "POST" and not no_answer.never_sent:
        unknown = OutcomeUnknown(reading, endpoint=endpoint, method=method)
        unknown.timed_out = no_answer.timed_out
        return unknown
    error = Unavailable(reading, endpoint=endpoint, method=method)
    error.never_sent, error.timed_out = no_answer.never_sent, no_answer.timed_out
    return error
