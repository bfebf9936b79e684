"""Masks secrets in texts that are logged or stored: keys in URLs, tokens in the portal's own paths."""

import re

MASK = "***"
PATTERNS = [  # the first group of each is kept
    re.compile(r"(?i)(api_?key(?:=|%3d|\\?[\"']?\s*[:=]\s*\\?[\"']?))[^\s&\"'\\,;)}<]+"),
    re.compile(r"(?i)(authorization\s*:?\s*bearer\s+)[^\s\"']+"),
    # Tokens in the portal's own paths, also when such a path is the value of `next`.
    re.compile(r"(?i)((?:/|%2F)invite(?:/|%2F))[^/%\s\"'?]+"),
    re.compile(r"(?i)((?:/|%2F)accounts(?:/|%2F)password(?:/|%2F)reset(?:/|%2F)key(?:/|%2F))[^/%\s\"'?]+"),
    re.compile(r"(?i)((?:/|%2F)setup(?:/|%2F)(?:\?|%3F)token(?:=|%3D))[^&%\s\"']+"),
    re.compile(r"(://[^:/\s@]*:)[^@/\s]+(?=@)"),  # the password in the URL of a database or broker
]


def mask_secrets(text: str) -> str:
    """Return `text` with everything that matches PATTERNS replaced by `***`."""
    for pattern in PATTERNS:
        text = pattern.sub(rf"\g<1>{MASK}", text)
    return text
