"""The forms of keys: Fernet keys of the vault, Ed25519 keys of the trail. No message repeats a key."""

import base64
import binascii
import re

from portal.environment import BadSetting

KEY_BYTES = 32


def decode_key(text: str) -> bytes | None:
    """Return the 32 bytes that `text` writes as base64, in either alphabet; None if it does not."""
    if not re.fullmatch(r"[A-Za-z0-9+/_-]{43}=", text):
        return None
    try:
        return base64.urlsafe_b64decode(text)
    except binascii.Error:
        return None


def parse_vault_keys(text: str) -> list[str]:
    """Return the Fernet keys of a list with commas or line ends between them. Raises BadSetting."""
    keys = [key for key in re.split(r"[,\s]+", text) if key]
    if not keys:
        raise BadSetting("holds no key.")
    bad = [str(number) for number, key in enumerate(keys, start=1) if decode_key(key) is None]
    if bad:
        which = f"key {', '.join(bad)} of {len(keys)} is not a Fernet key"
        raise BadSetting(f"cannot be used: {which} (32 bytes in base64: 43 characters and =).")
    return keys


def parse_trail_key(text: str) -> str:
    """Return the private key of the trail. Raises BadSetting."""
    if decode_key(text.strip()) is None:
        raise BadSetting("is not an Ed25519 private key (32 bytes in base64: 43 characters and =).")
    return text.strip()


def parse_public_key(text: str) -> str:
    """Return a former public key in the one spelling that signed heads use. Raises BadSetting."""
    padded = text if text.endswith("=") else f"{text}="
    key = decode_key(padded)
    if key is None:
        raise BadSetting("holds an entry that is not an Ed25519 public key (32 bytes in base64).")
    return base64.b64encode(key).decode()


def parse_secret_key(text: str) -> str:
    """Return Django's secret key without spaces around it. Raises BadSetting."""
    if not text.strip():
        raise BadSetting("is empty.")
    return text.strip()
