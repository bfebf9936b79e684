"""The ways in which a key can be written, to search files for it."""

import base64
from urllib.parse import quote


def shapes_of(keys: list[str]) -> set[bytes]:
    """Return the keys as plain text, URL-encoded, escaped as in JSON, and as in base64 of a longer text."""
    shapes = set()
    for key in keys:
        shapes |= {key, quote(key, safe=""), key.replace("-", "\\u002d"), key.replace("-", "%2D")}
        shapes.add("".join(f"\\u{ord(letter):04x}" for letter in key))
        shapes |= {base64_shape(key, offset) for offset in range(3)}
    return {shape.encode() for shape in shapes}


def base64_shape(key: str, offset: int) -> str:
    """Return what base64 makes of the key alone, where it begins `offset` bytes after a multiple of 3."""
    text = base64.b64encode(b"x" * offset + key.encode()).decode()
    return text[(0, 2, 3)[offset] : -4]
