"""What a terminal shows of a line: colours and their ends, returns, backspaces, erased lines."""

import random

import pytest

from deployments.logs.terminal import plain_text, styled_pieces


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("10%\r50%\r100%", "100%"),
        ("long text\rab", "abng text"),  # a terminal overwrites; it does not erase
        ("long text\r\x1b[Kab", "ab"),
        ("abc\x1b[1K", ""),
        ("abc\x08\x08X", "aXc"),
        ("\x08\x08a", "a"),
        ("one\r\ntwo\r\r\nthree", "one\ntwo\nthree"),
        ("a\tb", "a\tb"),
        ("\x1b[31mred\x1b[0m plain", "red plain"),
        ("e\x1b[1mrro\x1b[22mr", "error"),
        ("\x1b[38;5;196mx\x1b[39m", "x"),
        ("\x1b[38;2;1;2;3mx", "x"),
        ("\x1b[2J\x1b]0;title\x07text", "text"),
        ("\x1b]8;;https://x.example\x1b\\\\link\x1b]8;;\x1b\\\\", "\\link\\"),
        ("cut off \x1b[38;5", "cut off [38;5"),
        ("\x1b", ""),
        ("a\u2028\u202eb\x00\x7f", "ab"),
    ],
)
def test_plain_text_is_what_a_terminal_shows(text, plain):
    assert plain_text(text) == plain


@pytest.mark.parametrize(
    ("codes", "classes"),
    [
        ("31", "ansi31"),
        ("1;31", "ansi1 ansi31"),
        ("38;5;1", "ansi31"),
        ("38;5;9", "ansi91"),
        ("38;5;196", "ansi91"),
        ("38;5;46", "ansi92"),
        ("38;5;240", "ansi90"),
        ("38;2;0;0;250", "ansi34"),
        ("38:2:255:255:250", "ansi97"),
        ("48;5;196", ""),  # a background takes its numbers, and colours no text
        ("48;5;31", ""),
        ("38;5", "ansi30"),
        ("1;22", ""),
        ("3;23;4;24", ""),
        ("31;39", ""),
        ("1;31;0", ""),
        ("", ""),
        ("01;031", "ansi1 ansi31"),
        ("7;8;99;5", ""),
    ],
)
def test_colours_become_the_nearest_of_sixteen_classes(codes, classes):
    assert list(styled_pieces(f"\x1b[{codes}mtext")) == [("text", classes)]


def test_a_style_goes_on_over_the_end_of_a_line():
    assert list(styled_pieces("\x1b[31ma\nb\x1b[0mc")) == [
        ("a", "ansi31"),
        ("\n", ""),
        ("b", "ansi31"),
        ("c", ""),
    ]


def test_text_that_is_overwritten_takes_the_style_of_what_overwrites_it():
    assert list(styled_pieces("\x1b[31mabc\r\x1b[32mX")) == [("X", "ansi32"), ("bc", "ansi31")]


def test_the_quick_way_and_the_thorough_one_agree_and_nothing_breaks_them():
    seed = random.randrange(10**6)
    print(f"SEED={seed}")
    rng = random.Random(seed)
    pieces = [
        "a",
        "word ",
        "\x1b[31m",
        "\x1b[0m",
        "\x1b[38;5;20m",
        "\x1b",
        "[",
        "m",
        "\r",
        "\x08",
        "\n",
        "\x1b[K",
        "\t",
        ";",
    ]
    for _ in range(3000):
        text = "".join(rng.choices(pieces, k=rng.randrange(12)))
        assert plain_text(text) == "".join(piece for piece, _ in styled_pieces(text))
