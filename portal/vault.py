"""The vault: seals short secrets at rest under PORTAL_VAULT_KEYS. The newest key seals, all of them open."""

from functools import cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings


class Unreadable(Exception):
    """Sealed under a vault key that we do not have, altered, or sealed for something else."""


@cache
def vault(keys: tuple[str, ...]) -> MultiFernet:
    """Return the vault of these keys, newest first."""
    return MultiFernet([Fernet(key) for key in keys])


def current_vault() -> MultiFernet:
    """Return the vault of the settings."""
    return vault(tuple(settings.PORTAL_VAULT_KEYS))


def seal_text(text: str) -> str:
    """Return `text` sealed under the newest vault key."""
    return current_vault().encrypt(text.encode()).decode()


def open_text(sealed: str) -> str:
    """Return what was sealed. Raises Unreadable."""
    try:
        return current_vault().decrypt(sealed.encode()).decode()
    except (InvalidToken, ValueError):
        raise Unreadable from None


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
