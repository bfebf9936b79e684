"""Errors: a class for each status, a sentence of ours, and Roboflow's text without keys and tags."""

import json

import pytest

from deployments.roboflow.errors import (
    KeyRefused,
    NotFound,
    RateLimited,
    Rejected,
    error_class_for,
    looks_like_a_page,
    message_in,
    readable_text,
    reading_for,
)
from deployments.roboflow.key_search import KeySearch
from deployments.roboflow.mask import Secret, known_key

KEY = Secret("Kx7pQ2mmR9sTvW4yZ1aB")
KEYS = KeySearch([known_key(KEY)])


@pytest.mark.parametrize(
    ("status", "error_class"),
    [
        (401, KeyRefused),
        (404, NotFound),
        (429, RateLimited),
        (400, Rejected),
        (403, Rejected),
        (423, Rejected),
    ],
)
def test_each_refusal_has_its_class(status, error_class):
    assert error_class_for(status) is error_class


@pytest.mark.parametrize(
    ("status", "part"),
    [
        (401, "refused the key"),
        (402, "The key itself is fine"),
        (403, "The key itself is fine"),
        (423, "The key itself is fine"),
        (418, "Roboflow refused it."),
        (302, "does not follow"),
        (500, "an error (500)"),
        (204, "an error (204)"),
    ],
)
def test_each_status_has_a_sentence(status, part):
    assert part in reading_for(status)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"Unauthorized (invalid api_key)", "Unauthorized (invalid api_key)"),
        (b'{"error": {"message": "no such key", "status": 401}}', "no such key"),
        (b'{"error": "no such key"}', "no such key"),
        (b'{"message": "no such key"}', "no such key"),
        (b'{"code": 7}', '{"code": 7}'),
        (b"two\n lines\t here ", "two lines here"),
        (b"<html><head><title>x</title></head><body><p>Bad &amp; slow</p></body></html>", "Bad & slow"),
        (b"<div>a</div><script>evil()</script><!-- c -->b", "a b"),
        (b"a < b", "a < b"),
        (b"caf\xff", "caf\ufffd"),
        (b"a\x00b", "ab"),
        (b"", ""),
    ],
)
def test_the_text_of_an_error_answer_is_readable(body, text):
    assert readable_text(body, KEYS) == text


@pytest.mark.parametrize(
    "template", ["bad key {}", '{{"error": "bad key {}"}}', "<p>bad key {}</p>", "?api_key={}&x=1"]
)
def test_the_text_of_an_error_answer_never_holds_the_key(template):
    text = readable_text(template.format(KEY.reveal()).encode(), KEYS)

    assert KEY.reveal() not in text and "***" in text


def test_the_text_of_an_error_answer_is_at_most_2000_characters():
    assert readable_text(b"x" * 100_000, KEYS) == "x" * 2000


@pytest.mark.parametrize("body", [b"<!DOCTYPE html><p>", b"  <HTML>", b"<body class=x>"])
def test_a_page_is_recognised(body):
    assert looks_like_a_page(body)


@pytest.mark.parametrize("body", [b"no such deployment", b'{"error": "<b>"}', b"", b" " * 2000 + b"<html>"])
def test_a_text_is_no_page(body):
    assert not looks_like_a_page(body)


@pytest.mark.parametrize(
    "value", [None, 5, [], "text", {"error": None}, {"error": {"message": 5}}, {"message": []}]
)
def test_json_without_a_message_has_none(value):
    assert message_in(json.dumps(value)) == ""


def test_an_error_says_what_was_called_and_what_roboflow_answered():
    error = Rejected("Roboflow refused it.", endpoint="/pause", method="POST", status=409, text="it is busy")

    assert str(error) == "POST /pause: Roboflow refused it. (409: it is busy)"
    assert str(Rejected("No.", endpoint="/pause", method="POST")) == "POST /pause: No."
