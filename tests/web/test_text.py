"""Text is made fit for one line."""

import pytest

from portal.web.text import printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("night shift 3", "night shift 3"),
        ("Überprüfung 日本 💥", "Überprüfung 日本 💥"),
        ("a\nb\tc\x00d\x1b[31m", "a b c d [31m"),
        ("\u202eevil\u200b", " evil "),  # right-to-left override, zero-width space
        ("", ""),
    ],
)
def test_what_cannot_be_printed_becomes_a_space(text, shown):
    assert printable(text) == shown
