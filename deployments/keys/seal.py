"""Seals keys at rest. What is sealed names its user, workspace and row: copied into another row it does not open."""

import json

from django.utils.crypto import constant_time_compare, salted_hmac

from deployments.roboflow.mask import Secret
from portal.vault import Unreadable, open_text, seal_text


def key_binding(*, user_id: int, workspace_id: int | None, key_id: int) -> str:
    """Return what a sealed key is bound to."""
    return f"{user_id}/{workspace_id or '-'}/{key_id}"


def seal_key(secret: Secret, *, user_id: int, workspace_id: int | None, key_id: int) -> str:
    """Return the sealed key, under the newest vault key."""
    bound = key_binding(user_id=user_id, workspace_id=workspace_id, key_id=key_id)
    return seal_text(json.dumps([bound, secret.reveal()]))


def unseal_key(sealed: str, *, user_id: int, workspace_id: int | None, key_id: int) -> Secret:
    """Return the key. Raises Unreadable."""
    try:
        bound, value = json.loads(open_text(sealed))
    except (ValueError, TypeError):
        raise Unreadable from None
    if not constant_time_compare(
        bound, key_binding(user_id=user_id, workspace_id=workspace_id, key_id=key_id)
    ):
        raise Unreadable
    return Secret(value)


def fingerprint_of(value: str) -> str:
    """Return the keyed fingerprint of a key or of any token: equal ones are the same key, and it tells nothing else."""
    return salted_hmac("portal.keys.fingerprint", value, algorithm="sha256").hexdigest()
