"""Parts of pages that are rendered once for the same values, and kept by the process."""

from functools import lru_cache
from typing import Any

from django.conf import settings
from django.template.loader import render_to_string
from django.utils.functional import Promise
from django.utils.safestring import SafeString, mark_safe
from django.utils.timezone import get_current_timezone
from django.utils.translation import get_language

PARTS = 2000  # the parts that a process keeps, of about 1 KB: those that it showed last


def kept_html(template: str, **values: Any) -> SafeString:
    """Return the template, rendered with `values` and nothing else: it sees no request.

    The values are texts, numbers, truth values, times, None, or lists of them. All texts are escaped, also
    those that are marked as safe: the same text must give the same HTML. Ages have no place in it.
    """
    render = (
        render_part.__wrapped__ if settings.DEBUG else render_part
    )  # who edits a template sees it at once
    place = (get_language(), get_current_timezone())
    return render(template, place, tuple(values), *map(as_plain, values.values()))


@lru_cache(maxsize=PARTS, typed=True)
def render_part(template: str, place: tuple[Any, ...], names: tuple[str, ...], *values: Any) -> SafeString:
    """Return the template, rendered with `values` under their `names`, for a language and a time zone."""
    html = render_to_string(template, dict(zip(names, values, strict=True)))
    return mark_safe(html)  # noqa: S308 - the template escapes what it shows


def as_plain(value: Any) -> Any:
    """Return `value` with plain texts in place of safe ones, and tuples in place of lists."""
    if isinstance(value, list | tuple):
        return tuple(map(as_plain, value))
    if isinstance(value, Promise):
        return as_plain(str(value))
    return value + "" if isinstance(value, str) else value  # a safe and a plain text make a plain one
