"""Keeps keys out of texts: Secret hides a key, mask_key removes keys from what came from outside. Pure."""

from typing import NoReturn

from deployments.roboflow.assignments import mask_patterns
from deployments.roboflow.key_search import MASK, KeySearch
from deployments.roboflow.known_keys import TAIL, KnownKey, punctuation_of


class Secret:
    """A key that is `***` in a repr, a format, a log line or a traceback, and that cannot be pickled."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the key in clear. Only the client and the keys room call this."""
        return self._value

    def __repr__(self) -> str:
        return MASK

    __str__ = __repr__

    def __format__(self, _spec: str) -> str:
        return MASK

    def __reduce__(self) -> NoReturn:
        raise TypeError("A secret is not pickled.")


def known_key(secret: Secret) -> KnownKey:
    """Return what is needed to find a key that is open."""
    value = secret.reveal()
    return KnownKey(
        tail=value[-TAIL:],
        length=len(value),
        punctuation=punctuation_of(value),
        matches=lambda found: found == secret.reveal(),
    )


def mask_key(text: str, *secrets: Secret) -> str:
    """Return `text` with `***` for these keys in any spelling, and for everything that looks like a key."""
    return mask_patterns(KeySearch(map(known_key, secrets)).mask(text))
