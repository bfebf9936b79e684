"""Log text made fit to show: carriage returns, colour codes, control characters. Pure; HTML never gets through."""

import re
from collections.abc import Iterator

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

SGR = re.compile(r"\x1b\[([0-9;]{0,40})m")
OTHER = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
COLOURS = {str(code) for code in (*range(30, 38), *range(90, 98))}
LONGEST = 20_000  # characters of one line on a page; its own page and the download have all of it


def plain_text(text: str) -> str:
    """Return the text without any code, as search and downloads see it."""
    return "".join(part for part, _ in styled_pieces(text))


def styled_pieces(text: str) -> Iterator[tuple[str, str]]:
    """Yield (text, classes): colour codes as classes, a carriage return as what a terminal would leave."""
    text = "\n".join(part.rstrip("\r").rsplit("\r", 1)[-1] for part in text.split("\n"))
    classes: list[str] = []
    place = 0
    for code in SGR.finditer(text):
        yield strip_controls(text[place : code.start()]), " ".join(classes)
        classes = classes_after(classes, code[1])
        place = code.end()
    yield strip_controls(text[place:]), " ".join(classes)


def strip_controls(text: str) -> str:
    """Return text without other escape codes and control characters; tabs and line ends stay."""
    return CONTROL.sub("", OTHER.sub("", text))


def classes_after(classes: list[str], codes: str) -> list[str]:
    """Return the classes after an SGR code."""
    for code in codes.split(";"):
        if code in ("", "0"):
            classes = []
        elif code in ("1", "3", "4"):
            classes = [*classes, f"ansi{code}"]
        elif code == "39":
            classes = [one for one in classes if one[4:] not in COLOURS]
        elif code in COLOURS:
            classes = [*(one for one in classes if one[4:] not in COLOURS), f"ansi{code}"]
    return list(dict.fromkeys(classes))


def render_html(text: str) -> SafeString | str:
    """Return the text as safe HTML: everything escaped, colours as classes."""
    shown = text[:LONGEST]
    if "\x1b" not in shown:
        return "".join(part for part, _ in styled_pieces(shown))
    spans = [(classes, part) for part, classes in styled_pieces(shown) if part]
    return format_html("{}", format_html_join("", '<span class="{}">{}</span>', spans))
