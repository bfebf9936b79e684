"""Finds known keys in texts, in whatever they are glued to, encoded or wrapped in. Pure.

Of a known key only its last four characters, its length and its punctuation are needed in clear. Where those four
occur, `matches` decides about the whole: for the key of a call by comparing, for stored keys by a fingerprint.
"""

import re
import string
from base64 import b32decode
from binascii import a2b_base64
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import compress

from deployments.roboflow.layers import Layer, first_layer, unwrapped

MASK = "***"
TAIL = 4  # characters at the end of a key by which it is searched
SHORTEST_KEY = 8
LETTERS = (string.ascii_letters + string.digits).encode()
PLAIN_PUNCTUATION = set("-_.")  # no encoding uses them
ALL_BYTES = bytes(range(256))
BASE64 = LETTERS + b"+/-_"
STANDARD_BASE64 = bytes.maketrans(b"-_", b"+/")
TO_LOWER = bytes.maketrans(string.ascii_uppercase.encode(), string.ascii_lowercase.encode())
BASE32 = re.compile(rb"[A-Z2-7]{13,}")
READABLE = re.compile(rb"[\x09\x0a\x0d\x20-\x7e]{11,}")  # in decoded base64: perhaps another encoding
IS_READABLE = bytes(byte in b"\t\n\r" or 32 <= byte < 127 for byte in ALL_BYTES)
LONG_READABLE = b"\x01" * 11
MAX_DEPTH = 2  # base64 in base64
BASE64_AFTER = re.compile(r"[A-Za-z0-9+/_=-]*")
BASE64_BEFORE = re.compile(r"[A-Za-z0-9+/_-]*\Z")
MAX_EXTENSION = 4000  # letters of a base64 run before a key that are masked with it
CHUNK = 16 * 1024  # characters of texts that are searched together
Spans = list[tuple[int, int]]


@dataclass(frozen=True)
class KnownKey:
    """What is known of one key, or of several that are alike in tail, length and punctuation."""

    tail: str  # the last TAIL characters
    length: int
    punctuation: str  # its characters that are neither letters nor digits, each once, in order
    matches: Callable[[str], bool] = field(repr=False)

    @property
    def is_odd(self) -> bool:
        """Whether it has punctuation that some encoding uses."""
        return not PLAIN_PUNCTUATION.issuperset(self.punctuation)


def punctuation_of(key: str) -> str:
    """Return the characters of a key that are neither ASCII letters nor digits, each once, in order."""
    return "".join(sorted({letter for letter in key if letter.encode() not in LETTERS}))


class Alphabet:
    """A set of bytes. The bytes of a layer that are not in it are passed over."""

    def __init__(self, letters: bytes) -> None:
        self.foreign = bytes(set(ALL_BYTES) - set(letters))
        self.is_letter = bytes(byte in letters for byte in ALL_BYTES)

    def read(self, data: bytes) -> bytes:
        """Return `data` without foreign bytes."""
        return data.translate(None, self.foreign)

    def places(self, data: bytes) -> list[int]:
        """Return the places in `data` of the bytes that `read` keeps."""
        return list(compress(range(len(data)), data.translate(self.is_letter)))


ANY_LETTER = Alphabet(LETTERS)
BASE64_LETTER = Alphabet(BASE64)


@dataclass
class Group:
    """Keys with the same punctuation. They are searched in a text without any other punctuation."""

    alphabet: Alphabet
    by_tail: dict[bytes, list[KnownKey]] = field(default_factory=dict)


class Keys:
    """Keys to search for, grouped so that a text without any of them costs little."""

    def __init__(self, keys: Iterable[KnownKey], *, is_thorough: bool) -> None:
        self.is_thorough = is_thorough
        self.groups: dict[str, Group] = {}
        for key in keys:
            alphabet = LETTERS + key.punctuation.encode()
            group = self.groups.setdefault(key.punctuation, Group(Alphabet(alphabet)))
            group.by_tail.setdefault(key.tail.encode(), []).append(key)
        self.by_hex_tail = [
            (tail.hex().encode(), keys)
            for group in self.groups.values()
            for tail, keys in group.by_tail.items()
        ]


class KeySearch:
    """Masks a set of keys in texts. Make one for many texts: it remembers nothing of them."""

    def __init__(self, keys: Iterable[KnownKey]) -> None:
        usable = [key for key in keys if key.tail.isascii() and key.punctuation.isascii()]
        self.plain = Keys([key for key in usable if not key.is_odd], is_thorough=False)
        self.odd = Keys([key for key in usable if key.is_odd], is_thorough=True)

    def mask(self, text: str) -> str:
        """Return `text` with `***` in place of each of the keys, in any spelling."""
        return self.mask_all([text])[0]

    def mask_all(self, texts: Sequence[str]) -> list[str]:
        """Return each text with `***` in place of each of the keys, in any spelling.

        Many short texts are searched together, which costs half. A key of which one text has the beginning and
        the next one the end is masked in both.
        """
        masked = list(texts)
        if self.plain.groups:
            masked = [text for chunk in chunks(masked) for text in mask_chunk(chunk, self.plain)]
        if self.odd.groups:
            masked = [text for one in masked for text in mask_chunk([one], self.odd)]
        return masked


def chunks(texts: Sequence[str]) -> Iterator[list[str]]:
    """Yield the texts in lists of about CHUNK characters."""
    chunk: list[str] = []
    size = 0
    for text in texts:
        chunk.append(text)
        size += len(text)
        if size >= CHUNK:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def mask_chunk(texts: list[str], keys: Keys) -> list[str]:
    """Return the texts with the keys masked: first those that are in them as they are, then all others."""
    for is_plain in (True, False):
        search = Search("\n".join(texts), keys)
        if len(search.text) < SHORTEST_KEY:
            return texts
        layer = first_layer(search.text)
        if is_plain:
            search.search_plain(layer)
        else:
            search.search_layers(layer)
        if search.found:
            texts = without_spans(texts, joined(search.found))
    return texts


def joined(spans: Spans) -> Spans:
    """Return the spans in order, with those that touch or overlap made one."""
    result: Spans = []
    for start, end in sorted(spans):
        if result and start <= result[-1][1]:
            result[-1] = (result[-1][0], max(end, result[-1][1]))
        else:
            result.append((start, end))
    return result


def without_spans(texts: list[str], spans: Spans) -> list[str]:
    """Return the texts with `***` for each span; spans count in all texts together, joined by one character."""
    result, begin, following = [], 0, 0
    for text in texts:
        pieces, place = [], 0
        while following < len(spans) and spans[following][0] < begin + len(text):
            start, end = spans[following]
            pieces += [text[place : max(place, start - begin)], MASK]
            place = min(end - begin, len(text))
            if end > begin + len(text):
                break  # the next text has the rest of it
            following += 1
        result.append("".join([*pieces, text[place:]]))
        begin += len(text) + 1
    return result


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
        if depth < MAX_DEPTH and LONG_READABLE in layer.data.translate(IS_READABLE):
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
    before = BASE64_BEFORE.search(text, max(0, start - MAX_EXTENSION), start)
    after = BASE64_AFTER.match(text, end)
    return (before.start() if before else start, after.end() if after else end)
