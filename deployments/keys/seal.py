"""Seals keys at rest. A sealed key names its user, workspace and row: in another row it does not open."""

import json

from django.utils.crypto import constant_time_compare

from deployments.roboflow.mask import Secret
from portal.vault import Unreadable, keyed_digests, open_text, seal_text

FINGERPRINT = "key fingerprint"  # the purpose of these digests


def key_binding(*, user_id: int, workspace_id: int | None, key_id: int) -> str:
    """Return the text that binds a sealed key to its user, workspace and row."""
    return f"{user_id}/{workspace_id or '-'}/{key_id}"


def seal_key(secret: Secret, *, user_id: int, workspace_id: int | None, key_id: int) -> str:
    """Return the key encrypted under the newest vault key, together with its binding."""
    binding = key_binding(user_id=user_id, workspace_id=workspace_id, key_id=key_id)
    return seal_text(json.dumps([binding, secret.reveal()]))


def unseal_key(sealed: str, *, user_id: int, workspace_id: int | None, key_id: int) -> Secret:
    """Return the key. Raises Unreadable when no vault key opens it, or when it is bound to another row."""
    try:
        binding, value = json.loads(open_text(sealed))
    except (ValueError, TypeError):
        raise Unreadable from None
    expected = key_binding(user_id=user_id, workspace_id=workspace_id, key_id=key_id)
    if not constant_time_compare(binding, expected):
        raise Unreadable
    return Secret(value)


def keyed_digest(purpose: str, value: str) -> str:
    """Return the digest of `value` under the newest vault key: it shows whether two values are equal.

    Digests of different purposes cannot be compared. `vault rotate` makes stored digests again (see
    stored_digests); before that, keyed_digests has what may be stored.
    """
    return keyed_digests(purpose, value)[0]


def fingerprint_of(value: str) -> str:
    """Return the digest by which a stored key is recognised: the one that is stored with a new key."""
    return keyed_digest(FINGERPRINT, value)


def fingerprints_of(value: str) -> list[str]:
    """Return every fingerprint that may be stored for `value`, newest first.

    There are several between a change of PORTAL_VAULT_KEYS and `manage.py vault rotate`, one otherwise.
    """
    return keyed_digests(FINGERPRINT, value)


def stored_digests(value: str) -> dict[str, str]:
    """Return the digests that are stored with a key, by the name of their column in ApiKey.

    The one list of them: saving a key writes it, and rotating the vault key writes it again.
    """
    return {"fingerprint": fingerprint_of(value)}
