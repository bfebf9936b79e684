"""Searches on SQLite ignore case beyond ASCII, as they do on PostgreSQL.

Django's `icontains`, `istartswith` and `iexact` become `LIKE` on SQLite, which ignores the case of A to Z
only (https://www.sqlite.org/lang_expr.html#like), and `UPPER(...) LIKE UPPER(...)` on PostgreSQL. Here
SQLite's LIKE is replaced, which its documentation provides for, by one that compares upper-case letters of
all scripts.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created


def install_like() -> None:
    """Replace LIKE in each new connection to SQLite."""
    connection_created.connect(replace_like, dispatch_uid="portal.configuration.sqlite_like")


def replace_like(*, connection: BaseDatabaseWrapper, **_: Any) -> None:
    """Replace LIKE, with and without ESCAPE, in a connection to SQLite."""
    if connection.vendor != "sqlite":
        return
    for arguments in (2, 3):
        connection.connection.create_function("like", arguments, is_like, deterministic=True)


def is_like(pattern: Any, value: Any, escape: str = "") -> bool | None:
    """Return whether `value` is like `pattern`, whatever the case of letters; None for NULL."""
    if pattern is None or value is None:
        return None
    return matcher_of(str(pattern), escape)(str(value))


@lru_cache(maxsize=64)
def matcher_of(pattern: str, escape: str) -> Callable[[str], bool]:
    """Return a function that says whether a text is like `pattern`: % is any text, _ any character."""
    parts: list[str] = []
    characters = iter(upper_case(pattern))
    for character in characters:
        if escape and character == escape:
            parts.append(re.escape(next(characters, "")))
        else:
            parts.append({"%": ".*", "_": "."}.get(character) or re.escape(character))
    inner = parts[1:-1]
    if parts[:1] == parts[-1:] == [".*"] and len(parts) > 1 and not {".*", "."} & set(inner):
        contained = re.sub(r"\\(.)", r"\1", "".join(inner), flags=re.DOTALL)
        return lambda text: contained in upper_case(text)
    expression = re.compile("".join(parts), re.DOTALL)
    return lambda text: expression.fullmatch(upper_case(text)) is not None


def upper_case(text: str) -> str:
    """Return `text` in upper case, letter by letter as PostgreSQL does: no letter becomes two."""
    upper = text.upper()
    if len(upper) == len(text):
        return upper
    return "".join(upper if len(upper := letter.upper()) == 1 else letter for letter in text)
