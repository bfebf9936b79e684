"""Hides keys: in an object that shows itself to nobody, and in texts that come back from outside."""

import base64
import json
import re
from typing import NoReturn
from urllib.parse import quote, quote_plus

MASK = "***"
PATTERNS = [
    # api_key=..., "api_key": "...", also url-encoded and inside JSON inside JSON
    re.compile(
        r"(?i)(api_?key(?:\\*[\"']?\s*[:=]\s*\\*[\"']?|%22%3A%22|%22%3A%20%22|%3D))[^\s&\"'\\,;)}<>%]+"
    ),
    re.compile(r"(?i)(bearer\s+)[A-Za-z0-9._~+/=-]{6,}"),
]


class Secret:
    """A key that does not show itself: not in a repr, a log line, a traceback or a pickle."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the key; only the client and the seal ask for it."""
        return self._value

    def __repr__(self) -> str:
        return MASK

    __str__ = __repr__

    def __format__(self, _spec: str) -> str:
        return MASK

    def __reduce__(self) -> NoReturn:
        raise TypeError("A secret is not pickled.")


def spellings_of(value: str) -> list[str]:
    """Return how a key may look in a text: raw, url-encoded, JSON-escaped, base64; the longest first."""
    plain = {value, quote(value, safe=""), quote_plus(value), json.dumps(value)[1:-1]}
    encoded = {base64.b64encode(value.encode()).decode(), base64.urlsafe_b64encode(value.encode()).decode()}
    forms = plain | encoded | {one.rstrip("=") for one in encoded}
    return sorted((one for one in forms if one), key=len, reverse=True)


def mask_key(text: str, *secrets: Secret) -> str:
    """Return `text` with these keys, in any form, and whatever looks like a key replaced by `***`."""
    for secret in secrets:
        for form in spellings_of(secret.reveal()):
            text = text.replace(form, MASK)
    return mask_patterns(text)


def mask_patterns(text: str) -> str:
    """Return `text` with whatever looks like a key by its surroundings replaced by `***`."""
    for pattern in PATTERNS:
        text = pattern.sub(rf"\g<1>{MASK}", text)
    return text
