"""Sealing: a sealed key opens in its own row only, under any of the vault keys."""

import json

import pytest
from cryptography.fernet import Fernet

from deployments.keys.seal import fingerprint_of, fingerprints_of, keyed_digest, seal_key, unseal_key
from deployments.roboflow.mask import Secret
from portal.vault import Unreadable, seal_text

KEY = "a-very-secret-key"
NEW = Fernet.generate_key().decode()
ROW = {"user_id": 1, "workspace_id": 2, "key_id": 3}


def test_a_sealed_key_opens_in_its_own_row():
    sealed = seal_key(Secret(KEY), **ROW)

    assert KEY not in sealed
    assert unseal_key(sealed, **ROW).reveal() == KEY


@pytest.mark.parametrize(
    "change", [{"user_id": 2}, {"workspace_id": 9}, {"workspace_id": None}, {"key_id": 4}], ids=repr
)
def test_a_sealed_key_does_not_open_in_another_row(change):
    sealed = seal_key(Secret(KEY), **ROW)

    with pytest.raises(Unreadable):
        unseal_key(sealed, **(ROW | change))


def test_a_key_without_a_workspace_opens_only_there():
    unchecked = ROW | {"workspace_id": None}
    sealed = seal_key(Secret(KEY), **unchecked)

    assert unseal_key(sealed, **unchecked).reveal() == KEY
    with pytest.raises(Unreadable):
        unseal_key(sealed, **ROW)


@pytest.mark.parametrize("text", ["", "not json", "[]", "7", json.dumps(["only one"]), json.dumps([1, 2, 3])])
def test_what_holds_no_key_is_unreadable(text):
    with pytest.raises(Unreadable):
        unseal_key(seal_text(text), **ROW)


def test_a_key_opens_under_an_older_vault_key_and_not_without_it(settings):
    new = Fernet.generate_key().decode()
    sealed = seal_key(Secret(KEY), **ROW)

    settings.PORTAL_VAULT_KEYS = [new, *settings.PORTAL_VAULT_KEYS]
    assert unseal_key(sealed, **ROW).reveal() == KEY
    settings.PORTAL_VAULT_KEYS = [new]
    with pytest.raises(Unreadable):
        unseal_key(sealed, **ROW)


def test_equal_keys_have_equal_fingerprints_which_do_not_hold_them():
    assert fingerprint_of(KEY) == fingerprint_of(KEY)
    assert fingerprint_of(KEY) != fingerprint_of(KEY + "x")
    assert KEY not in fingerprint_of(KEY)


def test_a_fingerprint_depends_on_the_vault_key_and_not_on_djangos_secret(settings):
    before = fingerprint_of(KEY)

    settings.SECRET_KEY = "another secret"
    assert fingerprint_of(KEY) == before
    settings.PORTAL_VAULT_KEYS = [NEW]
    assert fingerprint_of(KEY) != before


def test_with_two_vault_keys_the_fingerprints_of_both_are_recognised(settings):
    before = fingerprint_of(KEY)

    settings.PORTAL_VAULT_KEYS = [NEW, *settings.PORTAL_VAULT_KEYS]

    assert fingerprints_of(KEY) == [fingerprint_of(KEY), before]
    assert fingerprint_of(KEY) != before


def test_digests_for_different_purposes_have_nothing_in_common():
    assert keyed_digest("a", KEY) != keyed_digest("b", KEY)
    assert keyed_digest("a", KEY) != keyed_digest("a\0b", KEY)


def test_a_word_that_is_no_proper_text_has_a_fingerprint_too():
    assert fingerprint_of("\ud800") != fingerprint_of("\ud801")


def test_the_fingerprint_of_today_is_that_of_every_later_version(settings):
    settings.PORTAL_VAULT_KEYS = ["MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="]

    assert fingerprint_of(KEY) == "579dadc6bcd1391c54f5f4fc6e84d85d0fb4edd498632bf55baa24f51bccf280"
