"""Text made fit to be stored and shown as one line."""


def printable(text: str) -> str:
    """Return `text` with a space in place of each control character and reading-direction mark."""
    return "".join(letter if letter.isprintable() else " " for letter in text)
