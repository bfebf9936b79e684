"""Layers: a text is unwrapped from its encodings, and each letter knows the place that it came from."""

import pytest

from deployments.roboflow.layers import first_layer, unwrapped


def meanings(text, *, is_thorough=False):
    return [layer.data.decode() for layer in unwrapped(first_layer(text), is_thorough=is_thorough)]


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("%6bey", "key"),
        ("%256bey", "key"),
        ("%u006bey", "key"),
        ("\\u006bey", "key"),
        ("\\x6bey", "key"),
        ("\\153ey", "key"),
        ("\\u{6b}ey", "key"),
        ("k\\\ney", "key"),
        ("&#107;ey", "key"),
        ("&#x6B;ey", "key"),
        ("&amp;#107;ey", "key"),
        ("k&shy;ey", "key"),
        ("k\x1b[0mey", "key"),
        ("k\\x1b[0mey", "key"),
        ("k^[[0mey", "key"),
        ("k[31mey", "key"),
        ("k\x9b0mey", "key"),
        ("k<wbr>ey", "key"),
        ("k&lt;wbr&gt;ey", "key"),
        ("k\x1b]0;a title\x07ey", "key"),
        ("k#011ey", "k\tey"),
        ("0x6b, 0x65, y", "k, e, y"),
        ("=6B=65y", "key"),
        ("ke=\ny", "key"),
        ("k\bke\bey\by", "key"),
        ("ｋｅｙ", "key"),
        ("107, 101, 121, 107, 101, 121, 107, 101", "keykeyke"),
    ],
)
def test_an_encoding_is_undone(text, meaning):
    assert meaning in meanings(text)


def test_a_plain_text_is_its_own_only_layer():
    assert meanings("INFO: 12 objects, 35 ms") == ["INFO: 12 objects, 35 ms"]


def test_what_is_between_markup_stays_in_another_layer():
    assert {"a  c", "a <key> c"} <= set(meanings("a <%6bey> c"))


def test_each_encoding_is_undone_alone_for_keys_that_hold_another_one():
    assert "%41 &lt;" not in meanings("%2541 &lt;")
    assert "%41 &lt;" in meanings("%2541 &lt;", is_thorough=True)


def test_a_letter_knows_where_in_the_text_it_comes_from():
    text = "é %256b ey"

    layers = unwrapped(first_layer(text), is_thorough=False)
    layer = next(layer for layer in layers if layer.data == b" k ey")
    starts, ends = layer.origin

    assert [text[start:end] for start, end in zip(starts, ends, strict=True)] == [" ", "%256b", " ", "e", "y"]


def test_encodings_around_one_another_are_undone_to_a_limit():
    text = "%" + "25" * 200 + "6b"

    assert len(meanings(text)) < 100
