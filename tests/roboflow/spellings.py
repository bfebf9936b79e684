"""The spellings of a key in which servers, shells and browsers write texts. What tests of masking share."""

import base64
import html
import json
import quopri
import shlex
from collections.abc import Callable
from urllib.parse import quote

Spell = Callable[[str], str]


def each(template: str) -> Spell:
    """Return a spelling that writes each character of a key by `template`, from its code."""
    return lambda key: "".join(template.format(ord(letter)) for letter in key)


def halves(between: str) -> Spell:
    """Return a spelling with something between two parts of a key."""
    return lambda key: key[: len(key) // 2] + between + key[len(key) // 2 :]


def base64_of(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def wrapped(text: str, width: int = 20) -> str:
    """Return a text in lines of `width` letters, indented."""
    return "\n  ".join(text[start : start + width] for start in range(0, len(text), width))


# Every key of every alphabet is found in these.
ENCODINGS: dict[str, Spell] = {
    "as it is": str,
    "JSON": lambda key: json.dumps(key)[1:-1],
    "JSON in JSON": lambda key: json.dumps(json.dumps(key))[1:-1],
    "JSON with \\u escapes": each("\\u{:04x}"),
    "Python's repr": repr,
    "Python's repr of bytes": lambda key: repr(key.encode()),
    "Python's \\x escapes": each("\\x{:02x}"),
    "octal escapes": each("\\{:03o}"),
    "percent-encoded where needed": lambda key: quote(key, safe=""),
    "percent-encoded twice": lambda key: quote(quote(key, safe=""), safe=""),
    "percent-encoded in full": each("%{:02x}"),
    "HTML": html.escape,
    "HTML twice": lambda key: html.escape(html.escape(key)),
    "HTML entities": each("&#{};"),
    "HTML entities in hexadecimal": each("&#x{:X};"),
    "HTML entities escaped again": each("&amp;#{};"),
    "a word of a shell": shlex.quote,
    "base64": base64_of,
    "base64 without padding": lambda key: base64_of(key).rstrip("="),
    "URL-safe base64": lambda key: base64.urlsafe_b64encode(key.encode()).decode(),
    "a Basic header": lambda key: "Basic " + base64_of(f"user:{key}"),
    "a Basic header with an empty password": lambda key: "Basic " + base64_of(f"{key}:"),
    "base64 of JSON": lambda key: base64_of(json.dumps({"k": key})),
    "base64 in base64": lambda key: base64_of(base64_of(f"u:{key}")),
    "base64, percent-encoded": lambda key: quote(base64_of(key), safe=""),
    "base64 over several lines": lambda key: wrapped(base64_of(key)),
    "base64 of UTF-16": lambda key: base64.b64encode(key.encode("utf-16-le")).decode(),
    "hexadecimal": lambda key: key.encode().hex(),
    "hexadecimal with colons": lambda key: key.encode().hex(":").upper(),
    "a list of codes": lambda key: str(list(key.encode())),
    "bytes as Go prints them": lambda key: "[" + " ".join(map(str, key.encode())) + "]",
}
# And these are for keys of letters, digits, `-`, `_` and `.`.
DECORATIONS: dict[str, Spell] = {
    "coloured": lambda key: f"\x1b[1;31m{key}\x1b[0m",
    "colour codes inside": halves("\x1b[0m\x1b[38;5;12m"),
    "escaped colour codes inside": halves("\\x1b[0m"),
    "colour codes inside, as JSON writes them": halves("\\u001b[0m"),
    "colour codes that lost their first letter": halves("[31m"),
    "an erased line inside": halves("\x1b[2K\r"),
    "a link of a terminal": lambda key: f"\x1b]8;;\x07{key}\x1b]8;;\x07",
    "a line end inside": halves("\n"),
    "a Windows line end inside": halves("\r\n    "),
    "an escaped line end inside": halves("\\n"),
    "a continued line of a shell": halves("\\\n"),
    "quotes inside": halves('" + "'),
    "shell quotes inside": halves("'\"\"'"),
    "zero-width spaces": "\u200b".join,
    "spaces between": " ".join,
    "an array of letters": lambda key: str(list(key)),
    "markup inside": halves("<wbr>"),
    "a search's marks inside": halves("</b><b>"),
    "full-width letters": lambda key: "".join(chr(ord(letter) + 0xFEE0) for letter in key),
    "quoted-printable in full": each("={:02X}"),
    "quoted-printable over lines": lambda key: quopri.encodestring(halves("=\n")(key).encode()).decode(),
    "overstruck": lambda key: "".join(f"{letter}\b{letter}" for letter in key),
    "C's bytes": lambda key: ", ".join(f"0x{ord(letter):02x}" for letter in key),
    "base32": lambda key: base64.b32encode(key.encode()).decode(),
    "rsyslog's control characters inside": halves("#033[0m"),
}


def pieces_left(spelling: str, masked: str, *, length: int = 8) -> list[str]:
    """Return the pieces of a spelling, of so many characters each, that are still in a masked text."""
    pieces = [spelling[start : start + length] for start in range(max(1, len(spelling) - length + 1))]
    return [piece for piece in pieces if piece in masked]
