"""Which passwords are accepted, and the setting PORTAL_BREACHED_PASSWORDS."""

import re
from pathlib import Path
from typing import Any

from portal.environment import BadSetting, one_line, quoted

SHORTEST = 10  # characters
SHA1_LINE = re.compile(rb"[0-9A-Fa-f]{40}(:[0-9]+)?\r?\n?")  # the form of Have I Been Pwned's list
LONGEST_LINE = 256  # bytes
LARGEST_WORD_FILE = 16 * 1024 * 1024  # bytes; it is kept in memory. A list of SHA-1 lines may have any size.


def parse_breached_file(text: str) -> Path | None:
    """Return the file with passwords that nobody may use, None for "". Raises BadSetting."""
    if not text.strip():
        return None
    path = Path(one_line(text.strip()))
    try:
        with path.open("rb") as file:
            first = file.readline(LONGEST_LINE)
            size = file.seek(0, 2)
    except OSError as error:
        raise BadSetting(f"is {quoted(text)}, which cannot be read: {error.strerror}.") from None
    if not first.strip():
        raise BadSetting(f"is {quoted(text)}, which begins with an empty line.")
    if not SHA1_LINE.fullmatch(first) and size > LARGEST_WORD_FILE:
        raise BadSetting(
            f"is {quoted(text)}, a list of words of more than {LARGEST_WORD_FILE >> 20} MiB:"
            " make it a sorted list of their SHA-1 hashes."
        )
    return path


def password_validators(breached_file: Path | None) -> list[dict[str, Any]]:
    """Return AUTH_PASSWORD_VALIDATORS. `breached_file` adds to the lists that come with the portal."""
    django, ours = "django.contrib.auth.password_validation", "portal.accounts.breached_passwords"
    return [
        {
            "NAME": f"{django}.UserAttributeSimilarityValidator",
            "OPTIONS": {"user_attributes": ("email", "name")},
        },
        {"NAME": f"{django}.MinimumLengthValidator", "OPTIONS": {"min_length": SHORTEST}},
        {"NAME": f"{django}.CommonPasswordValidator"},
        {"NAME": f"{django}.NumericPasswordValidator"},
        {"NAME": f"{ours}.BreachedPasswordValidator", "OPTIONS": {"file": breached_file}},
    ]
