"""What is known of the keys to search for, and how they are grouped for one search. Pure.

Of a known key only its last four characters, its length and its punctuation are needed in clear. Where those
four occur, `matches` decides about the whole: for the key of a call by comparing, for stored keys by a
fingerprint.
"""

import string
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import compress

TAIL = 4  # characters at the end of a key by which it is searched
SHORTEST_KEY = 8
LETTERS = (string.ascii_letters + string.digits).encode()
PLAIN_PUNCTUATION = set("-_.")  # no encoding uses them
ALL_BYTES = bytes(range(256))


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
    """A set of bytes. The other bytes of a text are passed over."""

    def __init__(self, letters: bytes) -> None:
        self.foreign = bytes(set(ALL_BYTES) - set(letters))
        self.is_letter = bytes(byte in letters for byte in ALL_BYTES)

    def read(self, data: bytes) -> bytes:
        """Return `data` without foreign bytes."""
        return data.translate(None, self.foreign)

    def places(self, data: bytes) -> list[int]:
        """Return the places in `data` of the bytes that `read` keeps."""
        return list(compress(range(len(data)), data.translate(self.is_letter)))

    def has_run(self, data: bytes, length: int) -> bool:
        """Return whether so many bytes of this alphabet follow one another in `data`."""
        return b"\x01" * length in data.translate(self.is_letter)


@lru_cache(maxsize=64)
def alphabet_of(punctuation: str) -> Alphabet:
    """Return the alphabet of keys with this punctuation. Each text that is stored needs one."""
    return Alphabet(LETTERS + punctuation.encode())


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
            group = self.groups.setdefault(key.punctuation, Group(alphabet_of(key.punctuation)))
            group.by_tail.setdefault(key.tail.encode(), []).append(key)
        self.by_hex_tail = [
            (tail.hex().encode(), keys)
            for group in self.groups.values()
            for tail, keys in group.by_tail.items()
        ]
