"""Turns one exchange with Roboflow into parsed facts or one of the named errors, with every key masked."""

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
from deployments.roboflow.retry import retry_after_of
from deployments.roboflow.transport import Answer, NoAnswer

T = TypeVar("T")
# Words that are found beside keys, and escaped letters under which a key would not be found.
ECHO = re.compile(rb"(?i)api_?key|bearer|\\u00[2-7]")


def parse_answer(
    answer: Answer | None,
    trouble: NoAnswer | None,
    *,
    key: Secret,
    method: str,
    endpoint: str,
    read: Callable[[bytes], T],
) -> tuple[T | None, RoboflowError | None]:
    """Return the parsed answer or the error that it is."""
    if answer is None:
        never_sent = trouble is not None and trouble.never_sent
        why = f"Roboflow did not answer. {trouble}"
        return None, error_without_answer(why, never_sent=never_sent, method=method, endpoint=endpoint)
    if answer.status == 200:
        try:
            return read(mask_echoed_keys(answer.body, key)), None
        except (schema.Malformed, RecursionError) as malformed:
            why, text = (
                f"Roboflow's answer makes no sense. {mask_key(str(malformed), key)}",
                readable_text(answer.body[:4000], key),
            )
    elif method == "GET" and answer.status == 404 and looks_like_a_page(answer.body):
        why, text = (
            "Something before Roboflow answered with a page of its own.",
            readable_text(answer.body, key),
        )
    elif 400 <= answer.status < 500:
        refusal = error_class_for(answer.status)(
            reading_for(answer.status),
            endpoint=endpoint,
            method=method,
            status=answer.status,
            text=readable_text(answer.body, key),
        )
        if isinstance(refusal, RateLimited):
            refusal.retry_after = retry_after_of(answer.retry_after)
        return None, refusal
    else:
        why, text = reading_for(answer.status), readable_text(answer.body, key)
    kind = Unavailable if method == "GET" else OutcomeUnknown
    return None, kind(why, endpoint=endpoint, method=method, status=answer.status, text=text)


def mask_echoed_keys(body: bytes, key: Secret) -> bytes:
    """Return an answer without any key: one that repeats it, or that may, is read, masked text by text, and written again."""
    if not ECHO.search(body) and not any(form.encode() in body for form in spellings_of(key.reveal())):
        return body
    try:
        return json.dumps(
            parse.clean_json(parse.load_json(body), clean=lambda words: mask_key(words, key))
        ).encode()
    except (schema.Malformed, RecursionError):
        return body


def error_without_answer(why: str, *, never_sent: bool, method: str, endpoint: str) -> RoboflowError:
    """Return the error of a call without an answer: of a POST unknown, unless the connection was never made."""
    if method == "POST" and not never_sent:
        return OutcomeUnknown(why, endpoint=endpoint, method=method)
    error = Unavailable(why, endpoint=endpoint, method=method)
    error.never_sent = never_sent
    return error
