"""What a search looks for: words and phrases in any case and spelling of any alphabet, or an expression.

Regular expressions are RE2's, whose time grows with the length of a line only, whatever the expression.
"""

import re
from collections.abc import Iterator
from typing import Any, Protocol
from unicodedata import normalize

import re2
from django.db.models import Q

TERM = re.compile(r'"([^"]+)"|(\S+)')
MOST_MEMORY = 8 * 1024 * 1024  # bytes, of one compiled expression


class Pattern(Protocol):
    """A compiled pattern, of Python or of RE2."""

    def search(self, text: str, /) -> Any:
        """Return the first match, or None."""

    def finditer(self, text: str, /) -> Iterator[Any]:
        """Yield the matches."""


class BadPattern(ValueError):
    """RE2 does not accept the expression; its words are the text of the error."""


def terms_of(text: str) -> list[str]:
    """Return the words and phrases of a search; quotation marks make several words a phrase.

    A line is found when it contains each of them, anywhere. A mark without its second one is a character.
    """
    found = (phrase or word for phrase, word in TERM.findall(text))
    return list(dict.fromkeys(found))


def term_condition(term: str) -> Q:
    """Return the condition that a line contains a term, in any case.

    SQLite, and PostgreSQL without a locale, know the two cases of ASCII letters only, so other letters are
    looked for by their spellings.
    """
    lookup, value = ("icontains", term) if term.isascii() else ("regex", spellings_of(term))
    return Q(**{f"text__{lookup}": value}) | Q(**{"text": "", f"payload__{lookup}": value})


def spellings_of(term: str) -> str:
    """Return a regular expression for a term in any case, with accents as one character or as two.

    It has only alternatives of fixed texts, so it is fast in every dialect.
    """
    parts = []
    for character in normalize("NFC", term):
        cases = {character, character.lower(), character.upper(), character.title(), character.casefold()}
        forms = {normalize(form, case) for case in cases for form in ("NFC", "NFD")}
        parts.append("|".join(sorted(map(re.escape, forms), key=lambda form: (-len(form), form))))
    return "".join(f"(?:{part})" if "|" in part else part for part in parts)


def terms_pattern(terms: list[str]) -> Pattern | None:
    """Return a pattern that finds each of the terms in any case, the longest first; None for no term."""
    if not terms:
        return None
    return re.compile("|".join(map(spellings_of, sorted(terms, key=len, reverse=True))))


def expression_pattern(text: str) -> Pattern:
    """Return the pattern of a regular expression, in any case unless it says (?-i). Raises BadPattern."""
    options = re2.Options()
    options.case_sensitive, options.log_errors, options.max_mem = False, False, MOST_MEMORY
    try:
        pattern: Pattern = re2.compile(text, options)
    except re2.error as error:
        words = error.args[0] if error.args else b""
        raise BadPattern(words.decode(errors="replace") if isinstance(words, bytes) else str(words)) from None
    return pattern
