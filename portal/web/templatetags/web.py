"""Tags of every page: status, times, icons, copy, polls. Loaded everywhere."""

import json
from datetime import datetime
from typing import Any

from django import template
from django.core.serializers.json import DjangoJSONEncoder
from django.http import QueryDict
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from portal.web.times import ago_text, exact_text, span_text

register = template.Library()
LOOKS = {  # word to (icon, look); any other word keeps its own and gets a question mark
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


@register.simple_tag
def icon(name: str) -> SafeString:
    """Show an icon of the sprite; the word beside it says what it means."""
    return format_html(
        '<svg class="icon" aria-hidden="true"><use href="{}#{}"></use></svg>', static("img/icons.svg"), name
    )


@register.simple_tag
def status_badge(word: str) -> SafeString:
    """Show a status: icon, word and colour, the same everywhere."""
    shape, look = LOOKS.get(word, ("help", "other"))
    return format_html(
        '<span class="status is-{}">{}<span>{}</span></span>',
        look,
        icon(shape),
        spaced_words(word or "not said"),
    )


@register.filter
def spaced_words(name: Any) -> str:
    """Turn needs_attention into "needs attention"."""
    return str(name).replace("_", " ")


@register.simple_tag
def exact_time(at: datetime | None) -> SafeString | str:
    """Show an exact time, in the person's zone."""
    if at is None:
        return "-"
    return format_html(
        '<time datetime="{}" data-exact tabindex="0">{}</time>', at.isoformat(), exact_text(at)
    )


@register.simple_tag
def time_ago(at: datetime | None) -> SafeString | str:
    """Show how long ago; the exact time is in its title."""
    if at is None:
        return "never"
    return format_html(
        '<time datetime="{}" data-ago title="{}" tabindex="0">{}</time>',
        at.isoformat(),
        exact_text(at),
        ago_text(at, timezone.now()),
    )


@register.filter
def pretty(value: Any) -> str:
    """Show raw data as indented JSON."""
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)


@register.filter
def as_json(value: Any) -> str:
    """Show data as JSON for a script to read from an attribute."""
    return json.dumps(value, cls=DjangoJSONEncoder)


@register.filter
def duration(since: datetime | None, until: datetime | None) -> str:
    """Return the time between two moments in words."""
    return span_text(until - since) if since and until else ""


@register.simple_tag
def copy_button(text: str) -> SafeString:
    """Show a button that copies `text`; without JavaScript it is not there."""
    return format_html(
        '<button type="button" class="button-icon" data-copy="{}" title="Copy" aria-label="Copy {}" hidden>{}</button>',
        text,
        text,
        icon("copy"),
    )


@register.simple_tag(takes_context=True)
def poll_attributes(
    context: Any, region: str, rev: str, fast: bool = False, url: str = "", every: str = "5s"
) -> SafeString:
    """Print the attributes of a region that polls its own address with the revision that it shows."""
    request = context["request"]
    query: QueryDict = request.GET.copy() if not url else QueryDict(mutable=True)
    query["rev"] = rev
    return format_html(
        'id="{}" hx-get="{}?{}" hx-target="this" hx-trigger="every {}, portal-changed from:body" hx-swap="morph:outerHTML"',
        region,
        url or request.path,
        query.urlencode(),
        "400ms" if fast else every,
    )


@register.simple_tag(takes_context=True)
def query_string(context: Any, **changes: Any) -> str:
    """Return the page's query string with some values replaced; None drops one. Cursor and revision belong to one view only."""
    found: QueryDict = context["request"].GET.copy()
    for name in ("rev", "cursor", "format"):
        found.pop(name, None)
    for name, value in changes.items():
        found.pop(name, None)
        if value not in (None, ""):
            found[name] = str(value)
    return f"?{found.urlencode()}"


@register.simple_tag(takes_context=True)
def theme(context: Any) -> str:
    """Return the chosen look."""
    request = context.get("request")
    chosen = request.COOKIES.get("theme", "system") if request else "system"
    return chosen if chosen in ("light", "dark") else "system"
