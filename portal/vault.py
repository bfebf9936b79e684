"""The vault: encrypts short secrets under PORTAL_VAULT_KEYS. The newest key seals, each of them opens."""

from functools import cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings


class Unreadable(Exception):
    """A text does not open: its vault key is missing, it was altered, or it was sealed for another record."""


@cache
def vault(keys: tuple[str, ...]) -> MultiFernet:
    """Return the vault of `keys`, which are Fernet keys, newest first."""
    return MultiFernet([Fernet(key) for key in keys])


def current_vault() -> MultiFernet:
    """Return the vault of PORTAL_VAULT_KEYS."""
    return vault(tuple(settings.PORTAL_VAULT_KEYS))


def seal_text(text: str) -> str:
    """Return `text` sealed under the newest vault key."""
    return current_vault().encrypt(text.encode()).decode()


def open_text(sealed: str) -> str:
    """Return the text that `seal_text` was given. Raises Unreadable."""
    try:
        return current_vault().decrypt(sealed.encode()).decode()
    except (InvalidToken, ValueError):
        raise Unreadable from None


def is_newest(sealed: str) -> bool:
    """Return whether the newest vault key sealed it."""
    try:
        vault(tuple(settings.PORTAL_VAULT_KEYS[:1])).decrypt(sealed.encode())
    except InvalidToken:
        return False
    return True


def reseal(sealed: str) -> str:
    """Return the content of `sealed`, sealed again under the newest vault key. Raises Unreadable."""
    try:
        return current_vault().rotate(sealed.encode()).decode()
    except InvalidToken:
        raise Unreadable from None
