"""How entries are chained and heads are signed: known values, and what must change a hash."""

import base64
import hashlib
from datetime import UTC, datetime, timedelta, timezone

import pytest

from portal.audit.chain import (
    FIELDS,
    GENESIS,
    canonical_json,
    entry_hash,
    head_statement,
    is_signature_valid,
    public_key_of,
    sign_message,
    utc_text,
)

AT = datetime(2026, 1, 31, 18, 0, 0, 5, tzinfo=UTC)
ENTRY = dict.fromkeys(FIELDS, "") | {"sequence": 1, "at": AT}
PRIVATE_KEY = base64.urlsafe_b64encode(b"k" * 32).decode()


def test_json_has_one_form():
    assert canonical_json({"b": [1, None], "a": "ä"}) == '{"a":"ä","b":[1,null]}'


def test_a_time_has_one_text_whatever_its_zone():
    berlin = AT.astimezone(timezone(timedelta(hours=1)))

    assert utc_text(AT) == utc_text(berlin) == "2026-01-31T18:00:00.000005Z"


def test_the_hash_is_the_sha256_of_the_previous_hash_and_the_canonical_entry():
    text = canonical_json(ENTRY | {"at": "2026-01-31T18:00:00.000005Z"})

    assert entry_hash(GENESIS, ENTRY) == hashlib.sha256(f"{GENESIS}\n{text}".encode()).hexdigest()


NUMBERS = ("sequence", "actor_id", "workspace_id")
TEXTS = [name for name in FIELDS if name not in (*NUMBERS, "at")]
NO_TEXTS = [7, -1, None, True, 1.5, b"a", ["a"], {"b": 1}]


@pytest.mark.parametrize(
    ("name", "value"),
    [(name, 'ä"\\\n\x00\x7f\u2028\U0001f600</b>') for name in TEXTS]
    + [(name, value) for name in NUMBERS for value in (7, -1, 2**70, None, True, 1.5, "7")],
)
def test_a_field_is_hashed_as_canonical_json(name, value):
    entry = ENTRY | {name: value}
    text = canonical_json(entry | {"at": utc_text(AT)})

    assert entry_hash(GENESIS, entry) == hashlib.sha256(f"{GENESIS}\n{text}".encode()).hexdigest()


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("value", NO_TEXTS)
def test_a_field_of_text_that_holds_no_text_has_no_hash(name, value):
    with pytest.raises(TypeError):
        entry_hash(GENESIS, ENTRY | {name: value})


@pytest.mark.parametrize("name", [name for name in FIELDS if name != "at"])
def test_every_field_is_part_of_the_hash(name):
    assert entry_hash(GENESIS, ENTRY | {name: "7"}) != entry_hash(GENESIS, ENTRY)


def test_time_and_previous_hash_are_part_of_the_hash():
    original = entry_hash(GENESIS, ENTRY)

    assert entry_hash(GENESIS, ENTRY | {"at": AT + timedelta(microseconds=1)}) != original
    assert entry_hash("1" * 64, ENTRY) != original


def test_other_fields_are_not_part_of_the_hash():
    assert entry_hash(GENESIS, ENTRY | {"hash": "x", "previous_hash": "y"}) == entry_hash(GENESIS, ENTRY)


def test_a_head_is_signed_as_canonical_json():
    assert head_statement(sequence=3, hash="ab", signed_at=AT) == (
        b'{"hash":"ab","sequence":3,"signed_at":"2026-01-31T18:00:00.000005Z"}'
    )


def test_a_signature_is_valid_for_its_message_and_key_only():
    signature, public_key = sign_message(b"message", private_key=PRIVATE_KEY)
    other_key = public_key_of(base64.urlsafe_b64encode(b"o" * 32).decode())

    assert public_key == public_key_of(PRIVATE_KEY) != other_key
    assert is_signature_valid(b"message", signature=signature, public_key=public_key)
    assert not is_signature_valid(b"massage", signature=signature, public_key=public_key)
    assert not is_signature_valid(b"message", signature=signature, public_key=other_key)


@pytest.mark.parametrize("malformed", ["", "?", "a", "aGVsbG8="])
def test_malformed_signatures_and_keys_are_not_valid(malformed):
    signature, public_key = sign_message(b"message", private_key=PRIVATE_KEY)

    assert not is_signature_valid(b"message", signature=malformed, public_key=public_key)
    assert not is_signature_valid(b"message", signature=signature, public_key=malformed)
