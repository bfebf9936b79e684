"""Template tags of every page: status, times, icons, copy buttons, polling. All templates load them."""

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

from django import template
from django.core.serializers.json import DjangoJSONEncoder
from django.http import QueryDict
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from portal.clock import now
from portal.web import elements
from portal.web.fragments import CHANGED, NEWS
from portal.web.kept_html import kept_html
from portal.web.statuses import status_text
from portal.web.times import exact_text, span_text

OF_ONE_RESPONSE = frozenset(("rev", "order", "may_act", "cursor", "format", "after", "oldest", "empty"))

register = template.Library()
for element in (
    elements.icon,
    elements.status_badge,
    elements.status_mark,
    elements.status_icon,
    elements.exact_time,
    elements.time_ago,
    elements.age,
    elements.fresh_age,
    elements.fresh_ago,
    elements.time_left,
    elements.clock_time,
    elements.copy_button,
):
    register.simple_tag(element)


register.filter(status_text)
register.simple_tag(kept_html, name="kept")


@register.filter
def spaced_words(name: Any) -> str:
    """Return `name` with spaces in place of underscores."""
    return str(name).replace("_", " ")


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


@register.filter
def value_of(values: Any, key: Any) -> Any:
    """Return the value of `key` in a mapping, or None."""
    return values.get(key)


@register.filter
def exact_words(at: datetime) -> str:
    """Return `at` to the second in the person's time zone, for a title."""
    return exact_text(at)


@register.simple_tag(takes_context=True)
def poll_attributes(context: Any, region: str, rev: str, url: str = "", every: str = "") -> SafeString:
    """Render the attributes of an element that asks `url` (its own page by default) for what is new.

    `region` is the id of the element. On a workspace's pages it asks when the heartbeat tells that there is
    news; on others, or with `every`, it also asks at that interval.
    """
    request = context["request"]
    if not every and not hasattr(request, "membership"):
        every = "5s"
    query: QueryDict = request.GET.copy() if not url else QueryDict(mutable=True)
    query["rev"] = rev
    return format_html(
        'id="{}" hx-get="{}?{}" hx-target="this" hx-trigger="{}{} from:body, {} from:body" '
        'hx-swap="morph:outerHTML"',
        region,
        url or request.path,
        query.urlencode(),
        f"every {every}, " if every else "",
        NEWS,
        CHANGED,
    )


@register.simple_tag(takes_context=True)
def query_string(context: Any, **changes: Any) -> str:
    """Return the query string of the page with `changes`; a value of None or "" removes its parameter.

    What is OF_ONE_RESPONSE is removed.
    """
    return query_with(parameters_of(context["request"].GET), **changes)


def parameters_of(query: QueryDict) -> tuple[tuple[str, str], ...]:
    """Return the parameters of a query string, without those that are OF_ONE_RESPONSE."""
    return tuple(
        (name, value) for name, values in query.lists() if name not in OF_ONE_RESPONSE for value in values
    )


def query_with(parameters: Iterable[tuple[str, str]], **changes: Any) -> str:
    """Return the query string of the parameters with `changes`, of which None and "" remove a parameter."""
    kept = [(name, value) for name, value in parameters if name not in changes]
    kept += [(name, str(value)) for name, value in changes.items() if value not in (None, "")]
    return f"?{urlencode(kept)}"


@register.simple_tag(takes_context=True)
def change_query(context: Any, name: str, value: Any) -> str:
    """Return the query string of the page with the parameter `name` set to `value`, or without it for None.

    The first page of what it selects is shown. A parameter that has the value already is removed.
    """
    return change_parameter(parameters_of(context["request"].GET), name, value)


@register.simple_tag
def change_parameter(parameters: tuple[tuple[str, str], ...], name: str, value: Any) -> str:
    """Return what change_query returns, for a template that gets parameters and no request."""
    is_set = dict(parameters).get(name) == value
    return query_with(parameters, **{name: None if is_set else value, "page": None})


@register.simple_tag
def query_of(text: str) -> str:
    """Return `text`, a query string that a browser sent earlier, as one that can follow a path."""
    values = QueryDict(text.removeprefix("?"), mutable=True).urlencode()
    return f"?{values}" if values else ""


@register.simple_tag(takes_context=True)
def if_chosen(context: Any, name: str, value: Any) -> SafeString | str:
    """Render the attribute that marks a link as chosen, if the query string has this value already."""
    is_chosen = context["request"].GET.get(name) == value
    return mark_safe(' aria-current="true"') if is_chosen else ""


@register.simple_tag(takes_context=True)
def hidden_parameters(context: Any, *names: str) -> SafeString:
    """Render the named parameters of the query string as hidden fields, so that a form keeps them."""
    values = [(name, context["request"].GET.get(name)) for name in names]
    return format_html_join(
        "", '<input type="hidden" name="{}" value="{}">', [one for one in values if one[1]]
    )


@register.simple_tag(takes_context=True)
def sort_link(context: Any, field: str, label: str, sort: str) -> SafeString:
    """Render the head of a column that sorts by `field`: up, then down, then not any more."""
    following = {field: f"-{field}", f"-{field}": None}.get(sort, field)
    order = {field: "ascending", f"-{field}": "descending"}.get(sort, "")
    return format_html(
        '<a href="{}"{}>{}{}</a>',
        query_string(context, sort=following, page=None),
        format_html(' title="Sorted {}"', order) if order else "",
        label,
        {"ascending": " \u2191", "descending": " \u2193"}.get(order, ""),
    )


@register.simple_tag
def new_token() -> str:
    """Return a token by which a form that is posted twice is recognised."""
    return str(uuid4())


@register.simple_tag(takes_context=True)
def theme(context: Any) -> str:
    """Return the theme that the person chose: "light", "dark" or "system"."""
    request = context.get("request")
    chosen = request.COOKIES.get("theme", "system") if request else "system"
    return chosen if chosen in ("light", "dark") else "system"
