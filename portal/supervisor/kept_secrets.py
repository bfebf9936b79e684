"""The secrets that must be kept apart from a back-up, as one file in the form of `.env`.

With these and a back-up, another machine is the same portal. The passwords of PostgreSQL and Redis are not
among them: they belong to one machine, and another one makes its own.
"""

import os
import secrets
from pathlib import Path

from django.conf import settings

from portal.environment import BadSetting, read_secret_file

PUBLIC = "PORTAL_TRAIL_FORMER_PUBLIC_KEYS"  # no secret, so it is given as a setting only
IN_FILES = ("PORTAL_VAULT_KEYS", "PORTAL_TRAIL_KEY", "PORTAL_SECRET_KEY")
KEPT = (*IN_FILES, PUBLIC)
HEADING = """\
# The secrets of this portal. Whoever has this file and a back-up can use all API keys in it.
# PORTAL_VAULT_KEYS opens the API keys and second factors; nobody can read them without it.
# PORTAL_TRAIL_KEY signs the head of the trail. PORTAL_SECRET_KEY signs sessions and one-time links.
"""


class SecretsError(Exception):
    """Secrets cannot be exported or imported; the message is a sentence for a person."""


def exported_text() -> str:
    """Return the secrets in use, one line of `.env` each."""
    values = {name: getattr(settings, "SECRET_KEY" if name == "PORTAL_SECRET_KEY" else name) for name in KEPT}
    lines = [
        f"{name}={quoted(value if isinstance(value, str) else ','.join(value))}"
        for name, value in values.items()
        if value
    ]
    return HEADING + "\n".join(lines) + "\n"


def quoted(value: str) -> str:
    """Return a value as Docker Compose reads it from `.env`: in single quotes, nothing in it is replaced."""
    escaped = value.replace("'", "\\'")
    return f"'{escaped}'"


def unquoted(text: str) -> str:
    """Return the value that `quoted` wrote as `text`; a text without quotes is the value itself."""
    is_quoted = len(text) > 1 and text[0] == text[-1] == "'"
    return text[1:-1].replace("\\'", "'") if is_quoted else text


def write_export(path: Path) -> None:
    """Write the secrets to a new file that only its owner can read. Raises SecretsError."""
    text = exported_text()
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise SecretsError(f"{path} exists already: choose another name.") from None
    except OSError as error:
        raise SecretsError(f"{path} cannot be written: {error.strerror}.") from None
    with os.fdopen(descriptor, "w") as file:
        file.write(text)


def import_file(path: Path, folder: Path, *, replace: bool) -> list[str]:
    """Write the secrets of an exported file into `folder`, where a portal on one machine keeps its own.

    Return their names. Secrets that the folder has and that differ are replaced only if `replace`; otherwise
    nothing is changed. Raises SecretsError.
    """
    given = parse_export(path)
    different = [name for name, value in given.items() if stored(folder, name) not in ("", value)]
    if different and not replace:
        raise SecretsError(
            f"{folder} has other values of {', '.join(different)}. Nothing was changed. What they sealed"
            " will not open without them: keep a copy, then repeat the command with --replace."
        )
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name, value in given.items():
        draft = folder / f".{name.lower()}.{os.getpid()}.{secrets.token_hex(4)}"
        draft.touch(mode=0o600)
        draft.write_text(value)
        draft.replace(folder / name.lower())
    return list(given)


def read_export(path: Path) -> dict[str, str]:
    """Return the lines of an exported file as name to value. Raises SecretsError."""
    try:
        lines = read_secret_file(path).splitlines()
    except BadSetting as problem:
        raise SecretsError(str(problem)) from None
    pairs = (line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    return {name.strip(): unquoted(value.strip()) for name, value in pairs}


def parse_export(path: Path) -> dict[str, str]:
    """Return the secrets of an exported file by name; public keys are left out. Raises SecretsError."""
    found = read_export(path)
    missing = [name for name in IN_FILES if not found.get(name)]
    if missing:
        raise SecretsError(f"{path} lacks {', '.join(missing)}: it is no export of this portal's secrets.")
    return {name: found[name] for name in IN_FILES}


def stored(folder: Path, name: str) -> str:
    """Return the secret `name` that `folder` has, or ""."""
    path = folder / name.lower()
    return path.read_text().strip() if path.exists() else ""
