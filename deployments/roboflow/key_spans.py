"""Finds where in a text known keys are, in whatever they are glued to, encoded or wrapped in. Pure."""

import re
import string
from base64 import b32decode
from binascii import a2b_base64
from collections.abc import Iterator
from dataclasses import dataclass, field

from deployments.roboflow.known_keys import LETTERS, SHORTEST_KEY, Alphabet, Keys
from deployments.roboflow.layers import Layer, unwrapped

STANDARD_BASE64 = bytes.maketrans(b"-_", b"+/")
TO_LOWER = bytes.maketrans(string.ascii_uppercase.encode(), string.ascii_lowercase.encode())
ANY_LETTER = Alphabet(LETTERS)
BASE64_LETTER = Alphabet(LETTERS + b"+/-_")
BASE32_LETTER = Alphabet(string.ascii_uppercase.encode() + b"234567")
SHORTEST_BASE32 = 13  # letters for SHORTEST_KEY characters
BASE32 = re.compile(rb"[A-Z2-7]{13,}")
READABLE_LETTER = Alphabet(b"\t\n\r" + bytes(range(32, 127)))
SHORTEST_READABLE = 11  # bytes of what was decoded from base64: perhaps another encoding of a key
READABLE = re.compile(rb"[\x09\x0a\x0d\x20-\x7e]{11,}")
MAX_DEPTH = 2  # base64 in base64
BASE64_CHARACTERS = string.ascii_letters + string.digits + "+/-_"
MAX_EXTENSION = 4000  # letters of a base64 run before or after a key that are masked with it
Spans = list[tuple[int, int]]


@dataclass
class Search:
    """One search: the text, the keys, and the spans of the text in which keys were found."""

    text: str
    keys: Keys
    found: Spans = field(default_factory=list)

    def search_layers(self, outer: Layer, depth: int = 0) -> None:
        """Find the keys in every layer of `outer`."""
        for layer in unwrapped(outer, is_thorough=self.keys.is_thorough):
            self.search_plain(layer)
            self.search_hex(layer)
            self.search_base64(layer, depth)
            self.search_base32(layer)

    def search_plain(self, layer: Layer) -> None:
        """Find keys as they are, with any foreign characters between theirs."""
        for group in self.keys.groups.values():
            letters = group.alphabet.read(layer.data)
            for tail, candidates in group.by_tail.items():
                for end in ends_of(tail, letters):
                    for key in candidates:
                        start = end - key.length
                        if start >= 0 and key.matches(letters[start:end].decode()):
                            self.add(layer, group.alphabet.places(layer.data)[start:end])

    def search_hex(self, layer: Layer) -> None:
        """Find keys in hexadecimal digits, with anything but letters and digits between them."""
        digits = ANY_LETTER.read(layer.data).translate(TO_LOWER)
        for tail, candidates in self.keys.by_hex_tail:
            for end in ends_of(tail, digits):
                for key in candidates:
                    start = end - 2 * key.length
                    value = text_of_hex(digits[start:end]) if start >= 0 else ""
                    if value and key.matches(value):
                        self.add(layer, ANY_LETTER.places(layer.data)[start:end])

    def search_base64(self, layer: Layer, depth: int) -> None:
        """Find base64 runs that hold a key, also within a longer text such as `user:key`.

        All letters of the layer are taken for one run. Read from four starts, it has each real run in it.
        """
        letters = BASE64_LETTER.read(layer.data).translate(STANDARD_BASE64)
        for offset in range(4) if len(letters) > SHORTEST_KEY else ():
            run = letters[offset:]
            decoded = a2b_base64(run + b"A" * (-len(run) % 4))
            inner = decoded_layer(layer, decoded, BASE64_LETTER, offset=offset, bits=6)
            self.search_decoded(inner, depth)

    def search_base32(self, layer: Layer) -> None:
        """Find base32 runs that hold a key."""
        if not BASE32_LETTER.has_run(layer.data, SHORTEST_BASE32):
            return
        for match in BASE32.finditer(layer.data):
            run_layer = part_of(layer, match.start(), match.end())
            for offset in range(8):
                run = match[0][offset:]
                decoded = b32decode(run + b"A" * (-len(run) % 8))
                self.search_decoded(
                    decoded_layer(run_layer, decoded, ANY_LETTER, offset=offset, bits=5), MAX_DEPTH
                )

    def search_decoded(self, layer: Layer, depth: int) -> None:
        """Find keys in what was decoded. Their span is the whole run: half a run could not be read."""
        inner = Search(self.text, self.keys)
        inner.search_plain(layer)
        if depth < MAX_DEPTH and READABLE_LETTER.has_run(layer.data, SHORTEST_READABLE):
            for match in READABLE.finditer(layer.data):
                inner.search_layers(part_of(layer, match.start(), match.end()), depth + 1)
        self.found += [whole_run(self.text, span) for span in inner.found]

    def add(self, layer: Layer, places: list[int]) -> None:
        """Add the span of the key whose letters are at these places of a layer."""
        starts, ends = layer.origin
        self.found.append((min(starts[place] for place in places), max(ends[place] for place in places)))


def ends_of(tail: bytes, data: bytes) -> Iterator[int]:
    """Yield where in `data` each `tail` ends."""
    start = data.find(tail)
    while start >= 0:
        yield start + len(tail)
        start = data.find(tail, start + 1)


def text_of_hex(digits: bytes) -> str:
    """Return the ASCII text that hexadecimal digits stand for, or "" when they do not stand for one."""
    try:
        return bytes.fromhex(digits.decode()).decode("ascii")
    except ValueError:
        return ""


def part_of(layer: Layer, start: int, end: int) -> Layer:
    """Return the bytes `start` to `end` of a layer as a layer."""
    return layer.derived(layer.data[start:end], lambda: (range(start, end), range(start, end)))


def decoded_layer(layer: Layer, decoded: bytes, alphabet: Alphabet, *, offset: int, bits: int) -> Layer:
    """Return what was decoded from the layer's letters of `alphabet`, from letter `offset` on.

    Each letter stands for so many `bits`.
    """

    def places() -> tuple[list[int], list[int]]:
        letters = alphabet.places(layer.data)
        last = len(letters) - 1
        bit_numbers = range(0, len(decoded) * 8, 8)
        firsts = [letters[min(offset + bit // bits, last)] for bit in bit_numbers]
        lasts = [letters[min(offset + (bit + 7) // bits, last)] for bit in bit_numbers]
        return firsts, lasts

    return layer.derived(decoded, places)


def whole_run(text: str, span: tuple[int, int]) -> tuple[int, int]:
    """Return the span, made longer to both ends of the base64 run that it is in."""
    start, end = span
    before = text[max(0, start - MAX_EXTENSION) : start]
    after = text[end : end + MAX_EXTENSION]
    is_before = len(before) - len(before.rstrip(BASE64_CHARACTERS))
    is_after = len(after) - len(after.lstrip(BASE64_CHARACTERS + "="))
    return start - is_before, end + is_after
