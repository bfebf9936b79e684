"""The text of a log line: safe HTML with colours on pages, plain text in downloads."""

import pytest
from django.utils.html import conditional_escape

from deployments.logs.lines import MAX_SHOWN_CHARACTERS, render_html
from deployments.logs.terminal import plain_text
from deployments.logs.words import terms_pattern


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<b>bold</b>", "&lt;b&gt;bold&lt;/b&gt;"),
        ("\x1b[31mred\x1b[0m <i>", '<span class="ansi31">red</span><span class=""> &lt;i&gt;</span>'),
        ("10%\r50%\r100%", "100%"),
        ("\x1b]8;;javascript:alert(1)\x07click\x1b]8;;\x07", '<span class="">click</span>'),
        ("a\u202eb\x00c", "abc"),
    ],
)
def test_lines_are_rendered_safely(text, shown):
    assert str(conditional_escape(render_html(text))) == shown


@pytest.mark.parametrize(
    ("codes", "classes"),
    [
        ("\x1b[1;32m", "ansi1 ansi32"),
        ("\x1b[31m\x1b[92m", "ansi92"),
        ("\x1b[1;31m\x1b[39m", "ansi1"),
        ("\x1b[4;31m\x1b[m", ""),
        ("\x1b[1m\x1b[1m", "ansi1"),
        ("\x1b[48m", ""),
    ],
)
def test_colour_codes_become_classes(codes, classes):
    assert render_html(f"{codes}text") == f'<span class="{classes}">text</span>'


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("\x1b[1;32mok\x1b[0m\r\n", "ok\n"),
        ("one\r\ntwo\tthree", "one\ntwo\tthree"),
        ("\x1b[2J\x1b]0;title\x07text", "text"),
        ("a\u2028b", "ab"),
    ],
)
def test_plain_text_has_no_codes(text, plain):
    assert plain_text(text) == plain


def test_a_very_long_line_is_cut_on_the_page_and_whole_in_a_download():
    text = "x" * (MAX_SHOWN_CHARACTERS + 1)

    assert render_html(text) == "x" * MAX_SHOWN_CHARACTERS
    assert plain_text(text) == text


@pytest.mark.parametrize(
    ("text", "terms", "shown"),
    [
        (
            "a bad Bad day",
            ["bad"],
            "<span>a </span><mark>bad</mark><span> </span><mark>Bad</mark><span> day</span>",
        ),
        ("<b> & c", ["<B>"], "<mark>&lt;b&gt;</mark><span> &amp; c</span>"),
        ("a.c abc", ["a.c"], "<mark>a.c</mark><span> abc</span>"),  # no pattern, but a text
        ("abab", ["ab", "abab"], "<mark>abab</mark>"),
        (
            "\x1b[31mred\x1b[0m",
            ["e"],
            '<span class="ansi31"><span>r</span><mark>e</mark><span>d</span></span>',
        ),
        ("nothing", ["x"], "nothing"),
        ("INFO:     info", ["info"], "<mark>info</mark>"),
    ],
)
def test_what_was_searched_for_is_marked_and_stays_escaped(text, terms, shown):
    assert str(conditional_escape(render_html(text, terms_pattern(terms)))) == shown


def test_a_traceback_is_folded_to_its_last_line_and_open_when_the_hit_is_further_up():
    text = "ERROR:    it broke\nTraceback (most recent call last):\n  File <x>\nValueError: bad\n"

    folded, hit = render_html(text), render_html(text, terms_pattern(["most recent"]))

    assert folded.startswith("<details><summary>ValueError: bad</summary>it broke") and "&lt;x&gt;" in folded
    assert hit.startswith("<details open>") and "<mark>most recent</mark>" in hit
    assert render_html(text, terms_pattern(["valueerror"])).startswith(
        "<details><summary><mark>ValueError</mark>"
    )
