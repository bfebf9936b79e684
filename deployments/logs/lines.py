"""Log lines as HTML: escaped, with CSS classes for colours, long ones cut, tracebacks folded. Pure."""

from collections.abc import Iterable, Iterator
from itertools import pairwise

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from deployments.logs.meaning import TRACEBACK, fields_of, meaning_of
from deployments.logs.terminal import Piece, styled_pieces
from deployments.logs.words import Pattern

MAX_SHOWN_CHARACTERS = 4_000  # characters of one line on the page, which says how many it leaves out


def render_html(text: str, pattern: Pattern | None = None) -> SafeString | str:
    """Return the text of a line for a template: escaped, in spans with CSS classes for its colours.

    The level at its start is left out, because the line shows it in another way. What `pattern` finds is
    marked. A traceback is folded to its last line. A text in which nothing of that occurs is returned as a
    plain str, which the template escapes.
    """
    shown = text[:MAX_SHOWN_CHARACTERS]
    meaning = meaning_of(shown, "")
    if TRACEBACK in meaning.text:
        return folded(meaning.text[meaning.skip :], pattern)
    if "\x1b" not in shown or fields_of(shown):
        return marked(meaning.text[meaning.skip :], pattern)
    pieces = without_start(styled_pieces(shown), meaning.skip)
    spans = [(classes, marked(piece, pattern)) for piece, classes in pieces]
    return format_html("{}", format_html_join("", '<span class="{}">{}</span>', spans))


def marked(text: str, pattern: Pattern | None) -> SafeString | str:
    """Return the text with what the pattern finds in <mark>, or as it is when that is nothing."""
    spans = [found.span() for found in pattern.finditer(text) if found.group()] if pattern else []
    if not spans:
        return text
    edges = [0, *(edge for span in spans for edge in span), len(text)]
    parts = [text[start:end] for start, end in pairwise(edges)]  # every second one was found
    pairs = [("mark" if number % 2 else "span", part) for number, part in enumerate(parts) if part]
    return format_html_join("", "<{0}>{1}</{0}>", pairs)


def without_start(pieces: Iterable[Piece], count: int) -> Iterator[Piece]:
    """Yield the pieces without their first `count` characters."""
    for piece, classes in pieces:
        rest, count = piece[count:], max(0, count - len(piece))
        if rest:
            yield rest, classes


def folded(text: str, pattern: Pattern | None) -> SafeString:
    """Return a traceback that shows its last line, and the whole of it when a person opens it.

    It is open when what was searched for is in the part that is folded.
    """
    last = next((line for line in reversed(text.split("\n")) if line.strip()), "")
    is_open = pattern is not None and pattern.search(text) is not None and not pattern.search(last)
    return format_html(
        "<details{}><summary>{}</summary>{}</details>",
        mark_safe(" open") if is_open else "",
        marked(last, pattern),
        marked(text, pattern),
    )
