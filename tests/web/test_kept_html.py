"""Parts of pages that are kept: the same values give the same HTML, and other values never do."""

from datetime import UTC, datetime

import pytest
from django.template import TemplateDoesNotExist
from django.utils import timezone
from django.utils.safestring import mark_safe
from django.utils.translation import gettext_lazy

from portal.web.kept_html import kept_html, render_part

LINE = {
    "address": "/activity/7/",
    "sequence": 7,
    "at": datetime(2026, 1, 31, 23, 30, tzinfo=UTC),
    "actor_name": "Ana",
    "sentence": "signed in",
}


def line(**changes):
    return kept_html("audit/_line.html", **LINE | changes)


def test_the_same_values_are_rendered_once():
    first = line()

    assert line() is first
    assert render_part.cache_info().misses == 1


@pytest.mark.parametrize(
    "change",
    [
        {"address": "/activity/8/"},
        {"actor_name": "Ben"},
        {"outcome": "failed"},
        {"reason": "why"},
        {"at": datetime(2026, 1, 31, 23, 31, tzinfo=UTC)},
        {"sequence": True},  # which equals 1, and is not shown as 1
        {"sequence": 1},
    ],
)
def test_another_value_is_another_part(change):
    line(sequence=1 if change == {"sequence": True} else True)
    first = line()

    assert line(**change) != first
    assert line() is first


def test_a_time_is_shown_in_the_zone_of_each_person():
    with timezone.override("Europe/Berlin"):
        berlin = line()
    with timezone.override("UTC"):
        london = line()

    assert "00:30:00" in berlin and "23:30:00" in london


def test_a_text_is_escaped_although_the_same_was_safe_before():
    safe = line(reason=mark_safe("<b>x</b>"))
    plain = line(reason="<b>x</b>")

    assert safe == plain
    assert "<b>" not in plain and "&lt;b&gt;x&lt;/b&gt;" in plain


def test_texts_in_lists_and_lazy_ones_are_plain_too():
    values = [[mark_safe("<i>"), 3]]
    menu = {"name": "creator", "chosen": "", "parameters": [], "label": gettext_lazy("Creator")}

    html = kept_html("fleet/_menu.html", values=values, **menu)

    assert "&lt;i&gt;" in html and "<i>" not in html and "Creator" in html
    assert kept_html("fleet/_menu.html", values=[("<i>", 3)], **menu) is html


def test_it_keeps_the_newest_parts_only():
    for number in range(render_part.cache_info().maxsize + 10):
        line(sequence=number)

    assert render_part.cache_info().currsize == render_part.cache_info().maxsize


def test_who_edits_templates_sees_each_change_at_once(settings):
    settings.DEBUG = True

    assert line() == line()
    assert render_part.cache_info().currsize == 0


def test_a_failure_is_not_kept():
    for _ in range(2):
        with pytest.raises(TemplateDoesNotExist):
            kept_html("no-such-template.html")
    assert render_part.cache_info().currsize == 0
