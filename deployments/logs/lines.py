"""Turn the text of a log line, with its terminal codes, into safe HTML or plain text. Pure."""

import re
from collections.abc import Iterator

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

# Escape sequences of ECMA-48. SGR ("select graphic rendition") sets colour, bold, italic and underline.
SGR = re.compile(r"\x1b\[([0-9;]{0,40})m")
OTHER_ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
# Control characters but tab and line feed, and characters that change the line or the reading direction.
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
COLOURS = {str(code) for code in (*range(30, 38), *range(90, 98))}  # SGR codes of the text colour
MAX_SHOWN_CHARACTERS = 4_000  # characters of one line on the page, which says how many it leaves out


def plain_text(text: str) -> str:
    """Return the text as a terminal would show it, without colours."""
    return "".join(part for part, _ in styled_pieces(text))


def styled_pieces(text: str) -> Iterator[tuple[str, str]]:
    """Yield (text, CSS classes) for each piece between two colour codes; a space separates the classes."""
    text = "\n".join(after_carriage_return(line) for line in text.split("\n"))
    classes: list[str] = []
    position = 0
    for code in SGR.finditer(text):
        yield strip_controls(text[position : code.start()]), " ".join(classes)
        classes = classes_after(classes, code[1])
        position = code.end()
    yield strip_controls(text[position:]), " ".join(classes)


def after_carriage_return(line: str) -> str:
    """Return what a terminal leaves of one line: a carriage return makes the next text overwrite it."""
    return line.rstrip("\r").rsplit("\r", 1)[-1]


def strip_controls(text: str) -> str:
    """Return the text without escape sequences and control characters. Tabs and line feeds remain."""
    return CONTROL.sub("", OTHER_ESCAPE.sub("", text))


def classes_after(classes: list[str], codes: str) -> list[str]:
    """Return the CSS classes after an SGR code; `codes` are its numbers, separated by semicolons."""
    for code in codes.split(";"):
        if code in ("", "0"):
            classes = []
        elif code in ("1", "3", "4"):
            classes = [*classes, f"ansi{code}"]
        elif code == "39":
            classes = without_colour(classes)
        elif code in COLOURS:
            classes = [*without_colour(classes), f"ansi{code}"]
    return list(dict.fromkeys(classes))


def without_colour(classes: list[str]) -> list[str]:
    """Return the classes but those of a text colour."""
    return [name for name in classes if name.removeprefix("ansi") not in COLOURS]


def render_html(text: str) -> SafeString | str:
    """Return the text for a template: escaped, in spans with CSS classes for its colours.

    A text without escape sequences is returned as a plain str, which the template escapes.
    """
    shown = text[:MAX_SHOWN_CHARACTERS]
    if "\x1b" not in shown:
        return "".join(part for part, _ in styled_pieces(shown))
    spans = [(classes, part) for part, classes in styled_pieces(shown) if part]
    return format_html("{}", format_html_join("", '<span class="{}">{}</span>', spans))
