"""Turns one exchange with Roboflow into a parsed result or one of the named errors, with every key masked."""

import json
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from deployments.roboflow import parse, schema
from deployments.roboflow.assignments import is_key_name, mask_patterns
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
from deployments.roboflow.key_search import MASK, KeySearch
from deployments.roboflow.known_keys import KnownKey
from deployments.roboflow.mask import Secret, known_key
from deployments.roboflow.retry import parse_http_date, retry_after_of
from deployments.roboflow.transport import Answer, NoAnswer

T = TypeVar("T")
MALFORMED_EXCERPT = 4000  # bytes of an unreadable answer that its error shows


def parse_answer(
    outcome: Answer | NoAnswer,
    *,
    key: Secret,
    method: str,
    endpoint: str,
    parse_body: Callable[[bytes], T],
    stored: Sequence[KnownKey] = (),
    prepare: Callable[[bytes], bytes] = bytes,
) -> tuple[T | None, RoboflowError | None]:
    """Return (result, None) for a usable answer, and (None, error) for everything else.

    `parse_body` is called with the body of a 200 and may raise Malformed. Errors are returned, not raised:
    the caller raises them where no foreign exception, which carries the key, becomes their context.
    `prepare` makes a smaller body of that of a 200 first. Masked are `key`, the `stored` keys, and what looks
    like a key; a log page is masked by the log store.
    """
    if isinstance(outcome, NoAnswer):
        return None, error_without_answer(outcome, method=method, endpoint=endpoint)
    body, keys = outcome.body, KeySearch([known_key(key), *stored])
    if outcome.status == 200:
        try:
            body = prepare(body)
            is_log = parse_body is parse.parse_log_page
            return parse_body(body if is_log else mask_echoed_keys(body, keys)), None
        except (schema.Malformed, RecursionError) as malformed:
            reading = f"Roboflow's answer makes no sense. {mask_patterns(keys.mask(str(malformed)))}"
            body = body[:MALFORMED_EXCERPT]
    elif method == "GET" and outcome.status == 404 and looks_like_a_page(body):
        reading = "A gateway between the portal and Roboflow answered, not Roboflow."
    elif 400 <= outcome.status < 500:
        return None, refusal_of(outcome, keys=keys, method=method, endpoint=endpoint)
    else:
        reading = reading_for(outcome.status)
    error_class = Unavailable if method == "GET" else OutcomeUnknown
    text = readable_text(body, keys)
    return None, error_class(reading, endpoint=endpoint, method=method, status=outcome.status, text=text)


def refusal_of(answer: Answer, *, keys: KeySearch, method: str, endpoint: str) -> RoboflowError:
    """Return the error of a 4xx answer; a 429 carries its Retry-After in seconds.

    A Retry-After that is a date is compared with the answer's own Date: the two clocks may differ.
    """
    refusal = error_class_for(answer.status)(
        reading_for(answer.status),
        endpoint=endpoint,
        method=method,
        status=answer.status,
        text=readable_text(answer.body, keys),
    )
    if isinstance(refusal, RateLimited):
        refusal.retry_after = retry_after_of(answer.retry_after, now=parse_http_date(answer.date))
    return refusal


def mask_echoed_keys(body: bytes, keys: KeySearch) -> bytes:
    """Return `body` with every key in it masked.

    A body that may contain a key is parsed, masked text by text, and written again. Any other body, and one
    that is not JSON, is returned as it is.
    """
    text = body.decode(errors="replace")
    if keys.mask(text) == text and mask_patterns(text) == text:
        return body
    try:
        return json.dumps(mask_json(parse.load_json(body), keys)).encode()
    except (schema.Malformed, RecursionError):
        return body


def mask_json(value: Any, keys: KeySearch) -> Any:
    """Return `value` with the keys masked in each of its texts and names, and the values of names of keys.

    All texts are masked together: a list of deployments has thousands of short ones.
    """
    texts: list[str] = []

    def collect(text: str) -> str:
        texts.append(text)
        return text

    cleaned = parse.clean_json(value, clean=collect)
    masked = dict(zip(texts, map(mask_patterns, keys.mask_all(texts)), strict=True))
    return mask_named_values(parse.clean_json(cleaned, clean=lambda text: masked.get(text, text)))


def mask_named_values(value: Any) -> Any:
    """Return `value` with `***` for each text in it that has the name of a key."""
    if isinstance(value, list):
        return [mask_named_values(entry) for entry in value]
    if not isinstance(value, dict):
        return value
    return {
        name: MASK if isinstance(entry, str) and entry and is_key_name(name) else mask_named_values(entry)
        for name, entry in value.items()
    }


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
