"""Masks secrets in any text that leaves for a log: keys in addresses, tokens in our own paths."""

import re

MASK = "***"
PATTERNS = [
    re.compile(r"(?i)(api_?key(?:=|%3d|\\?[\"']?\s*[:=]\s*\\?[\"']?))[^\s&\"'\\,;)}<]+"),
    re.compile(r"(?i)(authorization\s*:?\s*bearer\s+)[^\s\"']+"),
    re.compile(r"(/invite/)[^/\s\"'?]+"),
    re.compile(r"(/accounts/password/reset/key/)[^/\s\"'?]+"),
    re.compile(r"(/setup/\?token=)[^&\s\"']+"),
    re.compile(r"(://[^:/\s@]*:)[^@/\s]+(?=@)"),  # password in a database or broker address
]


def mask_secrets(text: str) -> str:
    """Return `text` with everything that looks like a secret replaced by `***`."""
    for pattern in PATTERNS:
        text = pattern.sub(rf"\g<1>{MASK}", text)
    return text
