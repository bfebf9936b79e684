"""Masks secrets in any text that leaves for a log: keys in addresses, tokens in our own paths."""

import re

MASK = "***"
PATTERNS = [
    re.compile(r"(?i)(api_?key(?:=|%3d|\\?[\"']?\s*[:=]\s*\\?[\"']?))[^\s&\"'\\,;)}<]+"),
    re.compile(r"(?i)(authorization\s*:?\s*bearer\s+)[^\s\"']+"),
    # in our own paths, also where such a path is a value of `next`
    re.compile(r"(?i)((?:/|%2F)invite(?:/|%2F))[^/%\s\"'?]+"),
    re.compile(r"(?i)((?:/|%2F)accounts(?:/|%2F)password(?:/|%2F)reset(?:/|%2F)key(?:/|%2F))[^/%\s\"'?]+"),
    re.compile(r"(?i)((?:/|%2F)setup(?:/|%2F)(?:\?|%3F)token(?:=|%3D))[^&%\s\"']+"),
    re.compile(r"(://[^:/\s@]*:)[^@/\s]+(?=@)"),  # password in a database or broker address
]


def mask_secrets(text: str) -> str:
    """Return `text` with everything that looks like a secret replaced by `***`."""
    for pattern in PATTERNS:
        text = pattern.sub(rf"\g<1>{MASK}", text)
    return text
