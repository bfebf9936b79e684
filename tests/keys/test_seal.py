"""Sealing: a sealed key opens in its own row only, under any of the vault keys."""

import json

import pytest
from cryptography.fernet import Fernet

from deployments.keys.seal import fingerprint_of, seal_key, unseal_key
from deployments.roboflow.mask import Secret
from portal.vault import Unreadable, seal_text

KEY = "a-very-secret-key"
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


def test_a_fingerprint_depends_on_the_portals_secret(settings):
    before = fingerprint_of(KEY)

    settings.SECRET_KEY = "another secret"

    assert fingerprint_of(KEY) != before
