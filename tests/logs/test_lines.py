"""The text of a log line: safe HTML with colours on pages, plain text in downloads."""

import pytest
from django.utils.html import conditional_escape

from deployments.logs.lines import MAX_SHOWN_CHARACTERS, render_html
from deployments.logs.terminal import plain_text


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
