"""Reads the environment: plain values, secrets from files, secrets made at first start."""

import base64
import os
import secrets
from collections.abc import Callable
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

# Each secret of the portal and how a new one is made.
SECRET_MAKERS: dict[str, Callable[[], str]] = {
    "PORTAL_SECRET_KEY": lambda: secrets.token_urlsafe(50),
    "PORTAL_VAULT_KEYS": lambda: base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),  # a Fernet key
    "PORTAL_TRAIL_KEY": lambda: base64.urlsafe_b64encode(
        secrets.token_bytes(32)
    ).decode(),  # an Ed25519 private key
    "POSTGRES_PASSWORD": lambda: secrets.token_urlsafe(32),
    "REDIS_PASSWORD": lambda: secrets.token_urlsafe(32),
}


def read_setting(name: str, default: str = "") -> str:
    """Return the setting `name`, or the content of the file that `name_FILE` points to, without its last newline."""
    if file := os.environ.get(f"{name}_FILE"):
        try:
            return Path(file).read_text().strip()
        except OSError as error:
            raise ImproperlyConfigured(
                f"{name}_FILE names {file}, which cannot be read: {error.strerror}."
            ) from None
    return os.environ.get(name) or default


def read_secret(name: str, folder: Path) -> str:
    """Return the secret `name` from the environment, else the one kept in `folder`, made there at first start."""
    return read_setting(name) or make_secret(name, folder)


def make_secret(name: str, folder: Path) -> str:
    """Return the secret kept in `folder`; write a new one with mode 600 if there is none.

    Two processes that start at once agree: the file appears whole, by link, and the first one wins.
    """
    path = folder / name.lower()
    if not path.exists():
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            draft = folder / f".{name.lower()}.{os.getpid()}.{secrets.token_hex(4)}"
            draft.touch(mode=0o600)
            draft.write_text(SECRET_MAKERS[name]())
            try:
                os.link(draft, path)
            except FileExistsError:
                pass
            draft.unlink()
        except OSError as error:
            raise ImproperlyConfigured(
                f"{name} is not set and cannot be made in {folder}: {error.strerror}."
            ) from None
    return path.read_text().strip()
