"""The vault: encrypts short secrets under PORTAL_VAULT_KEYS. The newest key seals, each of them opens.

It also makes keyed digests: whoever copies the database cannot try out words against them without a vault
key.
"""

import base64
import hmac
from functools import cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
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


@cache
def digest_secret(vault_key: str) -> bytes:
    """Return the 32 bytes that key digests: derived (HKDF, RFC 5869), so that they reveal no vault key."""
    derivation = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"portal.vault keyed digest")
    return derivation.derive(base64.urlsafe_b64decode(vault_key))


def keyed_digests(purpose: str, value: str) -> list[str]:
    """Return the digest of `value` (hexadecimal HMAC-SHA256) under each vault key, newest first.

    Equal values have equal digests for the same `purpose` only. Raises ValueError without a vault key.
    """
    if not settings.PORTAL_VAULT_KEYS:
        raise ValueError("This process is not given the vault keys.")
    message = f"{purpose}\0{value}".encode(errors="surrogatepass")
    return [hmac.digest(digest_secret(key), message, "sha256").hex() for key in settings.PORTAL_VAULT_KEYS]
