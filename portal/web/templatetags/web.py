"""Template tags of every page: status, times, icons, copy buttons, polling. All templates load them."""

import json
from datetime import datetime
from typing import Any

from django import template
from django.core.serializers.json import DjangoJSONEncoder
from django.http import QueryDict
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString

from portal.clock import now
from portal.web.times import ago_text, exact_text, left_text, span_text

register = template.Library()
STATUS_STYLES = {  # status to (icon, CSS class)
    "pending": ("loader", "pending"),
    "ready": ("disc", "ready"),
    "paused": ("pause", "paused"),
    "failed": ("x", "failed"),
    "expired": ("clock", "expired"),
    "deleted": ("minus", "deleted"),
    "gone": ("minus", "deleted"),
    "queued": ("clock", "pending"),
    "sending": ("loader", "pending"),
    "accepted": ("loader", "pending"),
    "succeeded": ("check", "ready"),
    "cancelled": ("minus", "deleted"),
    "unknown": ("help", "paused"),
    "needs_attention": ("alert", "failed"),
    "resolved": ("check", "ready"),
    "requested": ("clock", "pending"),
    "refused": ("x", "failed"),
    "observed": ("eye", "deleted"),
    "valid": ("check", "ready"),
    "on": ("check", "ready"),
    "unchecked": ("help", "paused"),
    "unreadable": ("x", "failed"),
    "none": ("minus", "deleted"),
}


UNKNOWN_STYLE = ("help", "other")


@register.simple_tag
def icon(name: str) -> SafeString:
    """Render an icon of img/icons.svg. Screen readers skip it, so put a text beside it."""
    return format_html(
        '<svg class="icon" aria-hidden="true"><use href="{}#{}"></use></svg>',
        static("img/icons.svg"),
        name,
    )


@register.simple_tag
def status_badge(status: str) -> SafeString:
    """Render a status with its icon and colour. An unknown status keeps its name and gets a question mark."""
    icon_name, css_class = STATUS_STYLES.get(status, UNKNOWN_STYLE)
    return format_html(
        '<span class="status is-{}">{}<span>{}</span></span>',
        css_class,
        icon(icon_name),
        spaced_words(status or "not said"),
    )


@register.filter
def spaced_words(name: Any) -> str:
    """Return `name` with spaces in place of underscores."""
    return str(name).replace("_", " ")


@register.simple_tag
def exact_time(at: datetime | None) -> SafeString | str:
    """Render `at` to the second, in the person's time zone; "-" for None."""
    if at is None:
        return "-"
    return format_html(
        '<time datetime="{}" data-exact tabindex="0">{}</time>', at.isoformat(), exact_text(at)
    )


@register.simple_tag
def time_ago(at: datetime | None) -> SafeString | str:
    """Render how long ago `at` was, with the exact time as its title; "never" for None."""
    if at is None:
        return "never"
    return format_html(
        '<time datetime="{}" data-ago title="{}" tabindex="0">{}</time>',
        at.isoformat(),
        exact_text(at),
        ago_text(at, now()),
    )


@register.simple_tag
def fresh_time(at: datetime | None) -> SafeString | str:
    """Render how old the facts on the page are; a poll that brings nothing new renews it."""
    if at is None:
        return "never"
    return format_html(
        '<time datetime="{}" data-ago data-fresh title="{}" tabindex="0">{}</time>',
        at.isoformat(),
        exact_text(at),
        ago_text(at, now()),
    )


@register.simple_tag
def time_left(at: datetime | None) -> SafeString | str:
    """Render about how long it is until `at`; nothing for None."""
    if at is None:
        return ""
    return format_html(
        '<time datetime="{}" data-left title="{}" tabindex="0">{}</time>',
        at.isoformat(),
        exact_text(at),
        left_text(at, now()),
    )


@register.simple_tag
def server_time() -> str:
    """Return the portal's time in ISO 8601: ages on the page count by it, not by the browser's clock."""
    return now().isoformat()


@register.filter
def pretty(value: Any) -> str:
    """Return `value` as indented JSON."""
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)


@register.filter
def as_json(value: Any) -> str:
    """Return `value` as JSON, for a script that reads it from an attribute."""
    return json.dumps(value, cls=DjangoJSONEncoder)


@register.filter
def duration(since: datetime | None, until: datetime | None) -> str:
    """Return the time from `since` to `until`, such as "1 h 12 min"; "" when one of them is None."""
    return span_text(until - since) if since and until else ""


@register.simple_tag
def copy_button(text: str) -> SafeString:
    """Render a button that copies `text`. It is hidden until a script shows it."""
    return format_html(
        '<button type="button" class="button-icon" data-copy="{}" title="Copy" '
        'aria-label="Copy {}" hidden>{}</button>',
        text,
        text,
        icon("copy"),
    )


@register.simple_tag(takes_context=True)
def poll_attributes(
    context: Any, region: str, rev: str, is_busy: bool = False, url: str = "", every: str = "5s"
) -> SafeString:
    """Render the attributes of an element that polls `url` (its own page by default) with its revision.

    `region` is the id of the element. It polls at the interval `every`, or every 400 ms while something
    `is_busy`.
    """
    request = context["request"]
    query: QueryDict = request.GET.copy() if not url else QueryDict(mutable=True)
    query["rev"] = rev
    return format_html(
        'id="{}" hx-get="{}?{}" hx-target="this" hx-trigger="every {}, portal-changed from:body" '
        'hx-swap="morph:outerHTML"',
        region,
        url or request.path,
        query.urlencode(),
        "400ms" if is_busy else every,
    )


@register.simple_tag(takes_context=True)
def query_string(context: Any, **changes: Any) -> str:
    """Return the query string of the page with `changes`; a value of None or "" removes its parameter.

    Revision, cursor and format are removed: they belong to one response.
    """
    query: QueryDict = context["request"].GET.copy()
    for name in ("rev", "cursor", "format"):
        query.pop(name, None)
    for name, value in changes.items():
        query.pop(name, None)
        if value not in (None, ""):
            query[name] = str(value)
    return f"?{query.urlencode()}"


@register.simple_tag(takes_context=True)
def theme(context: Any) -> str:
    """Return the theme that the person chose: "light", "dark" or "system"."""
    request = context.get("request")
    chosen = request.COOKIES.get("theme", "system") if request else "system"
    return chosen if chosen in ("light", "dark") else "system"
