"""Makes text fit to be stored and shown on one line."""


def printable(text: str) -> str:
    """Return `text` with a space in place of each control character and each reading-direction mark."""
    return "".join(letter if letter.isprintable() else " " for letter in text)
