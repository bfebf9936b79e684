"""Secrets in texts and values are masked, by what the rooms above registered, and nothing else."""

import pytest

from portal.web import masking
from portal.web.masking import Masker, mask_secrets, mask_stored_keys, register_masker


@pytest.mark.parametrize(
    "text",
    [
        "/invite/TOKEN/",
        "GET /accounts/login/?next=%2Finvite%2FTOKEN%2F",
        "/accounts/password/reset/key/TOKEN/",
        "/setup/?token=TOKEN",
        "/x?api_key=TOKEN",
    ],
)
def test_tokens_in_addresses_are_masked_in_logs(text):
    assert "TOKEN" not in mask_secrets(text) and "***" in mask_secrets(text)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ('{"api_key": "TOKEN", "b": 1}', '{"api_key": "***", "b": 1}'),
        ("?a=1&apikey%3DTOKEN&b=2", "?a=1&apikey%3D***&b=2"),
        ("Authorization: Bearer TOKEN", "Authorization: Bearer ***"),
        ("redis://:TOKEN@localhost/0", "redis://:***@localhost/0"),
        ("postgres://portal:TOKEN@db/portal", "postgres://portal:***@db/portal"),
    ],
)
def test_what_is_not_the_secret_is_kept(text, masked):
    assert mask_secrets(text) == masked


@pytest.mark.parametrize(
    "text", ["", "/w/acme/?q=key", "http://localhost:8000/a@b", "/setup/", "the api key"]
)
def test_text_without_secrets_is_unchanged(text):
    assert mask_secrets(text) == text


@pytest.fixture
def room_above(monkeypatch):
    """A room that knows one key, STORED, and one pattern, pin=."""
    monkeypatch.setattr(masking, "registered", masking.Registered())
    reads = []

    def stored_keys():
        reads.append(1)
        return lambda texts: [text.replace("STORED", "***") for text in texts]

    register_masker(
        patterns=lambda text: text.replace("pin=1", "pin=***"), hints=("pin",), stored_keys=stored_keys
    )
    return reads


def test_texts_are_masked_by_what_was_registered(room_above):
    assert Masker().mask_all(["a STORED", "pin=1", "b"]) == ["a ***", "pin=***", "b"]


def test_each_of_many_texts_is_masked_wherever_it_is_among_them(room_above):
    texts = ["a line"] * 350
    places = [0, 99, 100, 251, 349]
    for place in places:
        texts[place] = "PIN=2 pin=1"

    masked = Masker().mask_all(texts)

    assert [place for place, text in enumerate(masked) if text == "PIN=2 pin=***"] == places
    assert [text for text in masked if text != "a line"] == ["PIN=2 pin=***"] * len(places)


def test_stored_keys_are_read_once_for_all_that_is_written_together(room_above):
    masker = Masker()
    masker.mask_all(["a"] * 100)
    masker.mask("b")

    assert len(room_above) == 1


def test_each_text_and_name_of_a_value_is_masked_and_the_rest_is_kept(room_above):
    value = {"STORED": ["STORED x", 1, None, True], "n": {"deep": ("pin=1", 2.5)}}

    assert Masker().mask_values(value) == {"***": ["*** x", 1, None, True], "n": {"deep": ["pin=***", 2.5]}}


def test_a_text_that_has_the_name_of_a_key_is_masked_whatever_it_is(db):
    value = {
        "api_key": "anything",
        "nested": {"apiKey": ["a", "b"]},
        "key": "kept",
        "x-api-key": "",
        "api_key_count": 3,
    }

    assert Masker().mask_values(value) | {"nested": None} == {
        "api_key": "***",
        "nested": None,
        "key": "kept",
        "x-api-key": "",
        "api_key_count": 3,
    }
    assert Masker().mask_values(value)["nested"] == {"apiKey": ["***", "***"]}


def test_only_stored_keys_are_masked_in_what_a_person_types(room_above):
    assert mask_stored_keys("STORED pin=1") == "*** pin=1"


def test_an_empty_text_asks_no_database():
    assert mask_stored_keys("") == ""
