"""Masking: no spelling of a key survives, and a Secret shows itself nowhere."""

import pickle
import traceback

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployments.roboflow.mask import MASK, Secret, mask_key, mask_patterns, spellings_of

KEY = Secret("Kx7pQ2mmR9sTvW4yZ1aB")
printable_keys = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=12, max_size=40)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(key=printable_keys, before=st.text(max_size=20), after=st.text(max_size=20))
def test_a_key_is_masked_in_every_spelling(key, before, after):
    for form in spellings_of(key):
        assert form not in mask_key(f"{before} {form} {after}", Secret(key)).replace(MASK, "")


def test_the_spellings_are_raw_url_encoded_json_escaped_and_base64():
    assert {'a"b/c+', "a%22b%2Fc%2B", 'a\\"b/c+', "YSJiL2Mr"} <= set(spellings_of('a"b/c+'))


def test_several_keys_are_masked_and_the_rest_stays():
    assert mask_key(
        "first-secret-1 and second-secret-2, done", Secret("first-secret-1"), Secret("second-secret-2")
    ) == ("*** and ***, done")


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("GET /list?api_key=abc123&x=1", "GET /list?api_key=***&x=1"),
        ("apikey: abc123", "apikey: ***"),
        ('{"api_key": "abc123", "x": 1}', '{"api_key": "***", "x": 1}'),
        (r"{\"api_key\": \"abc123\"}", r"{\"api_key\": \"***\"}"),
        ("%22api_key%22%3A%22abc123%22", "%22api_key%22%3A%22***%22"),
        ("Authorization: Bearer abcdef123456", "Authorization: Bearer ***"),
    ],
)
def test_a_text_after_a_key_word_is_masked(text, masked):
    assert mask_patterns(text) == masked


@pytest.mark.parametrize("text", ["an api_key is needed", "the bearer of news", "200 OK", ""])
def test_a_text_without_a_key_stays(text):
    assert mask_patterns(text) == text


def test_a_secret_is_masked_wherever_it_is_shown():
    def fail(key):
        raise RuntimeError(f"{key} {key!r} {key:>5}")

    try:
        fail(KEY)
    except RuntimeError as error:
        shown = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())

    assert f"{KEY} {KEY!r} {KEY!s} {KEY:>5}" == "*** *** *** ***"
    assert "key = ***" in shown and KEY.reveal() not in shown


def test_a_secret_cannot_be_pickled():
    with pytest.raises(TypeError):
        pickle.dumps(KEY)
