"""Small elements of pages: a status, a time, a copy button."""

from datetime import UTC, datetime

import pytest

from portal.web import elements

AT = datetime(2026, 1, 31, 18, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("status", "css_class", "text"),
    [
        ("ready", "is-ready", "ready"),
        ("needs_attention", "is-failed", "needs attention"),
        ("brand_new", "is-other", "brand new"),
        ("", "is-other", "not said"),
        ("<b>", "is-other", "&lt;b&gt;"),
    ],
)
def test_a_status_has_a_colour_and_its_name(status, css_class, text):
    html = elements.status_badge(status)

    assert f"status {css_class}" in html and f"<span>{text}</span>" in html


def test_no_time_is_a_dash_or_never():
    assert (elements.exact_time(None), elements.time_ago(None)) == ("-", "never")
    assert "2026-01-31 18:00:00 UTC" in elements.exact_time(AT)
    assert 'title="2026-01-31 18:00:00 UTC"' in elements.time_ago(AT)


def test_what_is_copied_is_escaped():
    assert 'data-copy="&lt;b&gt;&quot;"' in elements.copy_button('<b>"')
