"""Keys in settings: taken in every usual spelling, refused without being repeated."""

import base64

import pytest
from cryptography.fernet import Fernet

from portal.audit.chain import is_signature_valid, public_key_of, sign_message
from portal.configuration.keys import parse_public_key, parse_secret_key, parse_trail_key, parse_vault_keys
from portal.environment import BadSetting, make_key

ONE, TWO = (base64.urlsafe_b64encode(byte * 32).decode() for byte in (b"\xfb", b"\x42"))
STANDARD = base64.b64encode(b"\xfb\xff" * 16).decode()  # with + and /, as `openssl rand -base64 32` writes


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        (ONE, [ONE]),
        (f"{ONE},{TWO}", [ONE, TWO]),
        (f" {ONE} , {TWO} ,", [ONE, TWO]),
        (f"{ONE},\n{TWO}\n", [ONE, TWO]),
        (f"{ONE}\r\n{TWO}", [ONE, TWO]),
        (STANDARD, [STANDARD]),
    ],
)
def test_vault_keys_are_taken_and_open_what_they_seal(text, keys):
    parsed = parse_vault_keys(text)

    assert parsed == keys
    assert [Fernet(key).decrypt(Fernet(key).encrypt(b"x")) for key in parsed] == [b"x"] * len(keys)


BAD_KEYS = [
    "secret-in-it",
    ONE[:-1],
    ONE + "A",
    ONE[:-2],
    "*" + ONE[1:],
    ONE.replace("=", "A"),
    ONE[:20] + "é" + ONE[21:],
]


@pytest.mark.parametrize("bad", BAD_KEYS)
def test_a_vault_key_that_is_none_is_named_by_its_place(bad):
    with pytest.raises(BadSetting, match="key 2 of 3 is not a Fernet key") as refusal:
        parse_vault_keys(f"{ONE},{bad},{TWO}")

    assert bad not in str(refusal.value) and ONE not in str(refusal.value)


@pytest.mark.parametrize("text", ["", ",", " , ", "\n"])
def test_vault_keys_without_a_key_are_refused(text):
    with pytest.raises(BadSetting, match="holds no key"):
        parse_vault_keys(text)


def test_a_trail_key_is_taken_and_signs():
    key = parse_trail_key(f" {make_key()}\n")

    signature, public_key = sign_message(b"head", private_key=key)

    assert is_signature_valid(b"head", signature=signature, public_key=public_key)


@pytest.mark.parametrize("bad", [*BAD_KEYS, f"{ONE},{TWO}"])
def test_a_trail_key_that_is_none_is_refused_without_being_repeated(bad):
    with pytest.raises(BadSetting, match="not an Ed25519 private key") as refusal:
        parse_trail_key(bad)

    assert bad not in str(refusal.value)


def test_a_former_public_key_is_taken_in_every_spelling_of_base64():
    key = base64.b64encode(b"\xfb\xff" * 16).decode()

    spellings = [key, key.rstrip("="), key.replace("+", "-").replace("/", "_")]

    assert {parse_public_key(spelling) for spelling in spellings} == {key}
    assert parse_public_key(public_key_of(ONE)) == public_key_of(ONE)


@pytest.mark.parametrize("bad", ["x", "secret-in-it", "A" * 42, "A" * 45, "ssh-ed25519 AAAA"])
def test_a_former_public_key_that_is_none_is_refused(bad):
    with pytest.raises(BadSetting, match="not an Ed25519 public key") as refusal:
        parse_public_key(bad)

    assert "secret-in-it" not in str(refusal.value)


def test_an_empty_secret_key_is_refused():
    with pytest.raises(BadSetting, match="is empty"):
        parse_secret_key("  ")
