"""Masks secrets in texts that are logged or stored.

The rooms above know what a key is, so they register how one is recognised. Everything that is kept passes
through `Masker`: the trail and the log store apply it by themselves, so no caller has to think of it.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from portal.web.batched import batched

MASK = "***"
OWN_PATTERNS = [  # the first group of each is kept
    # Tokens in the portal's own paths, also when such a path is the value of `next`.
    re.compile(r"(?i)((?:/|%2F)invite(?:/|%2F))[^/%\s\"'?]+"),
    re.compile(r"(?i)((?:/|%2F)accounts(?:/|%2F)password(?:/|%2F)reset(?:/|%2F)key(?:/|%2F))[^/%\s\"'?]+"),
    re.compile(r"(?i)((?:/|%2F)setup(?:/|%2F)(?:\?|%3F)token(?:=|%3D))[^&%\s\"']+"),
]
OWN_HINTS = ("invite", "reset", "setup")  # a text that matches a pattern has one of these
ASKED_TOGETHER = 100  # texts
MaskOne = Callable[[str], str]
MaskAll = Callable[[list[str]], list[str]]


@dataclass
class Registered:
    """What a room above registered: nothing, until Django's apps are ready."""

    patterns: MaskOne = str
    hints: tuple[str, ...] = ()
    stored_keys: Callable[[], MaskAll] = lambda: list


registered = Registered()


def register_masker(*, patterns: MaskOne, hints: tuple[str, ...], stored_keys: Callable[[], MaskAll]) -> None:
    """Register how keys are masked.

    `patterns` masks what looks like a key, without the database, and nothing in a text that has none of the
    `hints` in lower case. `stored_keys()` reads which keys are stored, and returns a function that masks
    these in texts.
    """
    registered.patterns, registered.hints, registered.stored_keys = patterns, hints, stored_keys


def mask_secrets(text: str) -> str:
    """Return `text` with everything masked that looks like a key or a token. It does not ask the database."""
    if not has_hint(text.lower()):
        return text
    for pattern in OWN_PATTERNS:
        text = pattern.sub(rf"\g<1>{MASK}", text)
    return registered.patterns(text)


def has_hint(lower: str) -> bool:
    """Return whether something in a text in lower case may look like a key or a token."""
    return any(hint in lower for hint in (*OWN_HINTS, *registered.hints))


def mask_some(texts: list[str]) -> list[str]:
    """Return each text with what looks like a key or a token masked.

    All are asked at once for a hint, as mostly none has one.
    """
    return list(map(mask_secrets, texts)) if has_hint("\n".join(texts).lower()) else texts


class Masker:
    """Masks every secret, also the keys that are stored now. Make one for all that is written together."""

    def __init__(self) -> None:
        self.mask_stored_keys = registered.stored_keys()

    def mask(self, text: str) -> str:
        """Return `text` with every secret masked."""
        return self.mask_all([text])[0]

    def mask_all(self, texts: Iterable[str]) -> list[str]:
        """Return each text with every secret masked; many short texts together cost less."""
        masked = self.mask_stored_keys(list(texts))
        return [text for some in batched(masked, ASKED_TOGETHER) for text in mask_some(some)]

    def mask_values(self, value: Any) -> Any:
        """Return a JSON value with the secrets in its texts masked, and texts that have the name of a key.

        Each text is masked by itself: masking the finished JSON could make it invalid.
        """
        texts = list(dict.fromkeys(texts_in(value)))
        return with_masked(value, dict(zip(texts, self.mask_all(texts), strict=True)))


def texts_in(value: Any) -> Iterator[str]:
    """Yield each text of a JSON value, the names in it too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, one in value.items():
            yield str(name)
            yield from texts_in(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from texts_in(one)


def with_masked(value: Any, masked: dict[str, str]) -> Any:
    """Return a JSON value with its texts replaced by the masked ones."""
    if isinstance(value, str):
        return masked[value]
    if isinstance(value, Mapping):
        return {
            masked[str(name)]: with_masked(masked_by_name(str(name), one), masked | {MASK: MASK})
            for name, one in value.items()
        }
    return [with_masked(one, masked) for one in value] if isinstance(value, list | tuple) else value


def masked_by_name(name: str, value: Any) -> Any:
    """Return `value`, with `***` for the texts in it if `name` is the name of a key."""
    if isinstance(value, list | tuple):
        return [masked_by_name(name, one) for one in value]
    is_key = isinstance(value, str) and value and mask_secrets(f"{name}=x1y2") == f"{name}={MASK}"
    return MASK if is_key else value


def mask_stored_keys(text: str) -> str:
    """Return `text` with the keys masked that are stored now, and nothing else."""
    return registered.stored_keys()([text])[0] if text else text
