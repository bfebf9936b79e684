"""Unwraps a text: yields the texts that it may stand for once its encodings are undone. Pure.

A key can be percent-encoded, escaped for JSON, HTML or a shell, coloured, or wrapped over lines, also several
of these at once. Each layer knows where in the first text its letters come from.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from html.entities import html5
from typing import NamedTuple

MAX_LAYERS = 8  # encodings around one another
MAX_ODD_LAYERS = 60  # of a text that is searched for keys with rare punctuation, each encoding by itself
MAX_ODD_DEPTH = 3
CONTROL_ESCAPES = b"abefnrtv0"  # after a backslash they mean a control character

# Each kind of encoding: the characters that it begins with, and the rest. See pattern_of().
CONTROL_SEQUENCE = rb"\[[0-9;:?<=>!]{0,30}[\x20]?[A-Za-z~]"  # of a terminal, after the escape character
COLOUR = {
    rb"\x1b": CONTROL_SEQUENCE + rb"|[@-Z\\^_]",
    rb"\\": rb"(?:x1[bB]|u001[bB]|033|e)" + CONTROL_SEQUENCE,
    rb"\^": rb"\[" + CONTROL_SEQUENCE,
    rb"\[": rb"\d[\d;]{0,30}m",  # its first letter was dropped, or replaced by a space
}
PERCENT = {rb"%": rb"u(?P<percent_wide>H{4})|(?P<percent>H{2})"}
BACKSLASH = {
    rb"\\": (
        rb"u\{(?P<braced>H{1,6})\}|x\{(?P<braced_x>H{1,6})\}|u+(?P<unicode>H{4})|U(?P<long>H{8})"
        rb"|x(?P<byte>H{2})|(?P<octal>[0-3][0-7]{2})|\r?\n|(?P<escaped>[\s\S])"
    )
}
ENTITY = {
    rb"&": (
        rb"#0*(?P<decimal>[1-9]\d{0,6});?|#[xX]0*(?P<entity_hex>[1-9A-Fa-f]H{0,5});?"
        rb"|(?P<named>[A-Za-z][A-Za-z0-9]{1,31});"
    )
}
# These hide what is between their ends, which may be an encoded key. So they are also left in place.
MARKUP = {rb"<": rb"[^<>]{1,300}>", rb"\x1b": rb"\][^\x07\x1b]{0,300}(?:\x07|\x1b\\)"}
SYSLOG = {rb"#": rb"(?P<syslog>0[0-3][0-7])"}  # how rsyslog writes control characters
C_BYTE = {rb"0": rb"x(?P<c_byte>H{2})(?!H)"}


def pattern_of(*encodings: dict[bytes, bytes]) -> re.Pattern[bytes]:
    """Return the pattern that matches each of the encodings.

    It begins with a set of characters, so that the search runs through all others fast. H is a hex digit.
    """
    begins = b"".join(dict.fromkeys(begin for encoding in encodings for begin in encoding))
    rests = [
        b"(?<=" + begin + b")(?:" + rest + b")" for encoding in encodings for begin, rest in encoding.items()
    ]
    source = b"[" + begins + b"](?:" + b"|".join(rests) + b")"
    return re.compile(source.replace(b"H", rb"[0-9A-Fa-f]"))


# A quote in a text of a shell, of CSV or of SQL, and other characters that are doubled to mean one.
DOUBLED = re.compile(rb"'(?:\\''|\"'\"')|(?P<doubled>['\"`$%{}^&])(?P=doubled)")
QUOTED_PRINTABLE = re.compile(rb"=(?P<printable>[0-9A-F]{2})|=[\x20\t]*\r?\n")
LOOKS_QUOTED_PRINTABLE = re.compile(rb"=(?:3D|[\x20\t]*\r?\n|[0-9A-F]{2}=[0-9A-F]{2})")
OVERSTRUCK = re.compile(rb"[^\x08]\x08")
NUMBERS = re.compile(rb"\d{2,3}(?:,?\s{1,3}\d{2,3}|,\d{2,3}){7,}")
NUMBER = re.compile(rb"(?P<number>\d+)[,\s]*")
STEPS = [pattern_of(one) for one in (COLOUR, PERCENT, BACKSLASH, ENTITY, MARKUP)] + [
    DOUBLED,
    QUOTED_PRINTABLE,
]
COMBINED = pattern_of(COLOUR, PERCENT, BACKSLASH, ENTITY, SYSLOG, C_BYTE)
WITHOUT_MARKUP = pattern_of(MARKUP)
BASES = {
    "percent_wide": 16,
    "percent": 16,
    "braced": 16,
    "braced_x": 16,
    "unicode": 16,
    "long": 16,
    "byte": 16,
    "octal": 8,
    "decimal": 10,
    "entity_hex": 16,
    "syslog": 8,
    "c_byte": 16,
    "printable": 16,
    "number": 10,
}


class Origin(NamedTuple):
    """For each byte of a layer: where in the first text the letters begin and end that it stands for."""

    starts: Sequence[int]
    ends: Sequence[int]


class Layer:
    """A text in bytes. Where its bytes come from is only worked out when a key was found in it."""

    __slots__ = ("_find_origin", "_origin", "data")

    def __init__(self, data: bytes, find_origin: Callable[[], Origin]) -> None:
        self.data = data
        self._find_origin = find_origin
        self._origin: Origin | None = None

    @property
    def origin(self) -> Origin:
        """Where in the first text each byte comes from."""
        if self._origin is None:
            self._origin = self._find_origin()
        return self._origin

    def derived(self, data: bytes, places: Callable[[], tuple[Sequence[int], Sequence[int]]]) -> "Layer":
        """Return a layer made of this one. `places()` gives the first and last index of each byte."""

        def find_origin() -> Origin:
            starts, ends = self.origin
            firsts, lasts = places()
            return Origin([starts[place] for place in firsts], [ends[place] for place in lasts])

        return Layer(data, find_origin)


@lru_cache(maxsize=4096)
def ascii_of(letter: str) -> str:
    """Return what a letter beyond ASCII looks like in ASCII, such as a wide or a bold one; "" for others."""
    if letter == "\x9b":
        return "\x1b["  # the one-byte form of a colour code's beginning
    folded = unicodedata.normalize("NFKC", letter)
    return folded if folded.isascii() else ""


def first_layer(text: str) -> Layer:
    """Return the text itself as a layer. Letters beyond ASCII are folded or dropped: no key has one."""
    if text.isascii():
        return Layer(text.encode(), lambda: Origin(range(len(text)), range(1, len(text) + 1)))
    folded = [letter if letter.isascii() else ascii_of(letter) for letter in text]
    starts = [place for place, letters in enumerate(folded) for _ in letters]
    return Layer("".join(folded).encode(), lambda: Origin(starts, [place + 1 for place in starts]))


def unwrapped(layer: Layer, *, is_thorough: bool) -> Iterator[Layer]:
    """Yield the layer, then each one that it may stand for.

    All encodings are undone at once, again and again. That could damage a key that itself holds, say, `%41`
    or `&lt;`: with `is_thorough`, each encoding is also undone without the others, in any order.
    """
    for inner in undone(layer):
        yield inner
        for other in otherwise_undone(inner):
            yield from undone(other)
    if is_thorough:
        yield from undone_in_any_order(layer)


def otherwise_undone(layer: Layer) -> Iterator[Layer]:
    """Yield what the layer stands for if it is markup, mail, a typewriter's, or a list of codes."""
    if plain := decode(layer, WITHOUT_MARKUP):
        yield plain
    if LOOKS_QUOTED_PRINTABLE.search(layer.data) and (printable := decode(layer, QUOTED_PRINTABLE)):
        yield printable
    if b"\x08" in layer.data and (struck := decode(layer, OVERSTRUCK)):
        yield struck
    if NUMBERS.search(layer.data) and (letters := decode(layer, NUMBER)):
        yield letters


def undone(layer: Layer) -> Iterator[Layer]:
    """Yield the layer, and what is left when all its encodings are undone once, twice, and so on."""
    yield layer
    inner: Layer | None = layer
    for _ in range(MAX_LAYERS):
        assert inner is not None
        inner = decode(inner, COMBINED)
        if inner is None:
            return
        yield inner


def undone_in_any_order(layer: Layer) -> Iterator[Layer]:
    """Yield what is left when up to MAX_ODD_DEPTH encodings are undone, in any order."""
    seen, current = {layer.data}, [layer]
    for _ in range(MAX_ODD_DEPTH):
        following = []
        for outer in current:
            for step in STEPS:
                inner = decode(outer, step)
                if inner is None or inner.data in seen:
                    continue
                if len(seen) >= MAX_ODD_LAYERS:
                    return
                seen.add(inner.data)
                following.append(inner)
                yield inner
        current = following


def decode(layer: Layer, step: re.Pattern[bytes]) -> Layer | None:
    """Return the layer with everything that `step` matches replaced by its meaning; None without a match."""
    data, count = step.subn(meaning_of, layer.data)
    if not count or data == layer.data:
        return None

    def places() -> tuple[list[int], list[int]]:
        firsts: list[int] = []
        lasts: list[int] = []
        end = 0
        for match in step.finditer(layer.data):
            for places in (firsts, lasts):
                places.extend(range(end, match.start()))
            letters = len(meaning_of(match))
            firsts.extend([match.start()] * letters)
            lasts.extend([match.end() - 1] * letters)
            end = match.end()
        for places in (firsts, lasts):
            places.extend(range(end, len(layer.data)))
        return firsts, lasts

    return layer.derived(data, places)


def meaning_of(match: re.Match[bytes]) -> bytes:
    """Return the letter that an encoded one stands for, or b"" for what is only decoration."""
    kind = match.lastgroup
    if kind is None:
        return b"'" if match[0][:1] == b"'" else b""  # a quote in a shell text, or decoration
    text = match[kind]
    if kind in BASES:
        code = int(text, BASES[kind])
        return bytes([code]) if code < 128 else b""
    if kind == "escaped":
        return b"\n" if text in CONTROL_ESCAPES else text
    if kind == "named":
        named = html5.get(f"{text.decode()};", "")
        return named.encode() if named.isascii() else b""
    return text
