"""Keeps keys out of texts: Secret hides a key, mask_key removes keys from what came from outside. Pure."""

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


def spellings_of(value: str) -> list[str]:
    """Return the forms of a key in a text, longest first: raw, url-encoded, JSON-escaped, base64."""
    plain = {value, quote(value, safe=""), quote_plus(value), json.dumps(value)[1:-1]}
    encoded = {base64.b64encode(value.encode()).decode(), base64.urlsafe_b64encode(value.encode()).decode()}
    forms = plain | encoded | {form.rstrip("=") for form in encoded}
    return sorted((form for form in forms if form), key=len, reverse=True)


def mask_key(text: str, *secrets: Secret) -> str:
    """Return `text` with `***` for these keys in any spelling, and for everything that looks like a key."""
    for secret in secrets:
        for form in spellings_of(secret.reveal()):
            text = text.replace(form, MASK)
    return mask_patterns(text)


def mask_patterns(text: str) -> str:
    """Return `text` with `***` for everything that its surroundings, such as `api_key=`, show to be a key."""
    for pattern in PATTERNS:
        text = pattern.sub(rf"\g<1>{MASK}", text)
    return text
