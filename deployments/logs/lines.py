"""Log lines as HTML: escaped, with CSS classes for colours, long ones cut, tracebacks folded. Pure."""

from collections.abc import Iterable, Iterator

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from deployments.logs.meaning import TRACEBACK, fields_of, meaning_of
from deployments.logs.terminal import Piece, styled_pieces

MAX_SHOWN_CHARACTERS = 4_000  # characters of one line on the page, which says how many it leaves out


def render_html(text: str) -> SafeString | str:
    """Return the text of a line for a template: escaped, in spans with CSS classes for its colours.

    The level at its start is left out, because the line shows it in another way. A text without escape
    sequences is returned as a plain str, which the template escapes. A traceback is folded to its last line.
    """
    shown = text[:MAX_SHOWN_CHARACTERS]
    meaning = meaning_of(shown, "")
    if TRACEBACK in meaning.text:
        return folded(meaning.text[meaning.skip :])
    if "\x1b" not in shown or fields_of(shown):
        return meaning.text[meaning.skip :]
    pieces = [(classes, piece) for piece, classes in without_start(styled_pieces(shown), meaning.skip)]
    return format_html("{}", format_html_join("", '<span class="{}">{}</span>', pieces))


def without_start(pieces: Iterable[Piece], count: int) -> Iterator[Piece]:
    """Yield the pieces without their first `count` characters."""
    for piece, classes in pieces:
        rest, count = piece[count:], max(0, count - len(piece))
        if rest:
            yield rest, classes


def folded(text: str) -> SafeString:
    """Return a traceback that shows its last line, and the whole of it when a person opens it."""
    last = next((line for line in reversed(text.split("\n")) if line.strip()), "")
    return format_html("<details><summary>{}</summary>{}</details>", last, text)
