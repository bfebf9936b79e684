"""Seals keys at rest. What is sealed names its user, workspace and row: copied into another row it does not open."""

import json
from functools import cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.utils.crypto import constant_time_compare, salted_hmac

from deployments.roboflow.mask import Secret


class Unreadable(Exception):
    """Sealed under a vault key that we do not have, altered, or sealed for another row."""


@cache
def vault(keys: tuple[str, ...]) -> MultiFernet:
    """Return the vault: the first key seals, all of them open."""
    return MultiFernet([Fernet(key) for key in keys])


def current_vault() -> MultiFernet:
    """Return the vault of the settings."""
    return vault(tuple(settings.PORTAL_VAULT_KEYS))


def binding(*, user_id: int, workspace_id: int | None, key_id: int) -> str:
    """Return what a sealed key is bound to."""
    return f"{user_id}/{workspace_id or '-'}/{key_id}"


def seal(secret: Secret, *, user_id: int, workspace_id: int | None, key_id: int) -> str:
    """Return the sealed key, under the newest vault key."""
    bound = binding(user_id=user_id, workspace_id=workspace_id, key_id=key_id)
    return current_vault().encrypt(json.dumps([bound, secret.reveal()]).encode()).decode()


def unseal(sealed: str, *, user_id: int, workspace_id: int | None, key_id: int) -> Secret:
    """Return the key. Raises Unreadable."""
    try:
        bound, value = json.loads(current_vault().decrypt(sealed.encode()))
    except (InvalidToken, ValueError, TypeError):
        raise Unreadable from None
    if not constant_time_compare(bound, binding(user_id=user_id, workspace_id=workspace_id, key_id=key_id)):
        raise Unreadable
    return Secret(value)


def fingerprint(value: str) -> str:
    """Return the keyed fingerprint of a key or of any token: equal ones are the same key, and it tells nothing else."""
    return salted_hmac("portal.keys.fingerprint", value, algorithm="sha256").hexdigest()


def is_newest(sealed: str) -> bool:
    """Say whether the newest vault key sealed it."""
    try:
        vault(tuple(settings.PORTAL_VAULT_KEYS[:1])).decrypt(sealed.encode())
    except InvalidToken:
        return False
    return True


def reseal(sealed: str) -> str:
    """Return the same content under the newest vault key. Raises Unreadable."""
    try:
        return current_vault().rotate(sealed.encode()).decode()
    except InvalidToken:
        raise Unreadable from None
