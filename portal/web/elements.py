"""Small elements of pages as HTML: icons, statuses, times, copy buttons. Templates have them as tags."""

from datetime import datetime
from functools import cache
from html import escape

from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from portal.clock import now
from portal.web.statuses import STATUS_STYLES, UNKNOWN_STYLE, status_text
from portal.web.times import age_text, ago_text, exact_text, left_text

ICON_OF_LOOK = {
    "ready": "disc",
    "pending": "loader",
    "paused": "pause",
    "failed": "alert",
    "expired": "clock",
    "unknown": "help",
}
FOCUSABLE = 'tabindex="0" '  # the exact time shows on focus, too


@cache
def icon(name: str) -> SafeString:
    """Render an icon of img/icons.svg. Screen readers skip it, so put a text beside it."""
    address = escape(f"{static('img/icons.svg')}#{name}")
    return mark_safe(f'<svg class="icon" aria-hidden="true"><use href="{address}"></use></svg>')  # noqa: S308


def status_badge(status: str) -> SafeString:
    """Render a status with its icon and colour. An unknown status keeps its name and gets a question mark."""
    icon_name, css_class, _word = STATUS_STYLES.get(status, UNKNOWN_STYLE)
    return format_html(
        '<span class="status is-{}">{}<span>{}</span></span>',
        css_class,
        icon(icon_name),
        status_text(status) or _("not said"),
    )


def status_mark(status: str) -> SafeString:
    """Render the icon of a status alone, for a sentence that says the same; its word is the title."""
    icon_name, css_class, _word = STATUS_STYLES.get(status, UNKNOWN_STYLE)
    return format_html(
        '<span class="status is-{}" title="{}">{}</span>', css_class, status_text(status), icon(icon_name)
    )


def status_icon(look: str) -> SafeString:
    """Render the icon that stands beside a text in the colour of `look`."""
    return icon(ICON_OF_LOOK.get(look, "minus"))


def exact_time(at: datetime | None) -> SafeString | str:
    """Render `at` to the second, in the person's time zone; "-" for None."""
    if at is None:
        return "-"
    return format_html(
        '<time datetime="{}" data-exact tabindex="0">{}</time>', at.isoformat(), exact_text(at)
    )


def time_ago(at: datetime | None) -> SafeString | str:
    """Render how long ago `at` was ("3 min ago"), with the exact time as its title; "never" for None."""
    return "never" if at is None else ticking_time(at, FOCUSABLE + "data-ago", ago_text(at, now()))


def age(at: datetime | None) -> SafeString | str:
    """Render the time since `at` ("3 min"), with the exact time as its title; nothing for None."""
    return "" if at is None else ticking_time(at, FOCUSABLE + "data-age", age_text(at, now()))


def fresh_age(at: datetime) -> SafeString:
    """Render how old the facts on the page are ("3 s"); a poll that brings nothing new renews it.

    It has no place in the order of the Tab key: it stands in a control.
    """
    return ticking_time(at, "data-age data-fresh", age_text(at, now()))


def fresh_ago(at: datetime) -> SafeString:
    """Render how old the facts on the page are ("3 s ago"); a poll that brings nothing new renews it."""
    return ticking_time(at, FOCUSABLE + "data-ago data-fresh", ago_text(at, now()))


def time_left(at: datetime | None) -> SafeString | str:
    """Render about how long it is until `at`; nothing for None."""
    return "" if at is None else ticking_time(at, FOCUSABLE + "data-left", left_text(at, now()))


def ticking_time(at: datetime, attributes: str, text: str) -> SafeString:
    """Render a time whose text static/js/times.js keeps up to date, by what the attributes name."""
    moment, exact = at.isoformat(timespec="milliseconds"), escape(exact_text(at))
    return mark_safe(  # noqa: S308 - the attributes are ours, never input
        f'<time datetime="{moment}" {attributes} title="{exact}">{escape(text)}</time>'
    )


def clock_time(at: datetime) -> SafeString:
    """Render the time of day of `at`, under a heading that names the day; the whole time is its title."""
    return format_html(
        '<time datetime="{}" data-clock tabindex="0" title="{}">{}</time>',
        at.isoformat(),
        exact_text(at),
        timezone.localtime(at).strftime("%H:%M:%S"),
    )


def copy_button(text: str, label: str = "") -> SafeString:
    """Render a button that copies `text`, which `label` names. It is hidden until a script shows it."""
    return copy_element(text, title=_("Copy"), label=_("Copy %(what)s") % {"what": label or text})


def copy_element(text: str, *, title: str, label: str) -> SafeString:
    """Render a copy button with these words."""
    return mark_safe(  # noqa: S308 - each text is escaped
        f'<button type="button" class="button-icon" data-copy="{escape(text)}" title="{escape(title)}"'
        f' aria-label="{escape(label)}" hidden>{icon("copy")}</button>'
    )
