"""Tags of the pages that show log lines."""

from collections.abc import Iterable

from django import template
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from deployments.logs.line_html import LEVEL_WORDS, line_items
from deployments.logs.models import Line
from deployments.logs.pages import Shown

register = template.Library()


@register.filter
def level_word(level: str) -> str:
    """Return the word for a level of meaning.LEVELS."""
    return _(LEVEL_WORDS[level])


@register.simple_tag
def log_lines(
    lines: Iterable[Shown], log_url: str = "", linked: Line | None = None, names_log: bool = False
) -> SafeString:
    """Render lines as the items of a list, as line_html.line_items() writes them."""
    return line_items(lines, log_url=log_url, linked=linked or None, names_log=bool(names_log))
