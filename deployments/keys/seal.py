"""Seals keys at rest. A sealed key names its user, workspace and row: in another row it does not open."""

import json

from django.utils.crypto import constant_time_compare, salted_hmac

from deployments.roboflow.mask import Secret
from portal.vault import Unreadable, open_text, seal_text


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


def fingerprint_of(value: str) -> str:
    """Return the HMAC of a key, or of any word. It shows whether two are equal, and nothing else."""
    return salted_hmac("portal.keys.fingerprint", value, algorithm="sha256").hexdigest()
