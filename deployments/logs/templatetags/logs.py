"""Tags of the pages that show log lines."""

from collections.abc import Iterable, Mapping

from django import template
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from deployments.fleet.models import Deployment
from deployments.logs.histogram import Histogram
from deployments.logs.histogram_html import bar_links
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
    lines: Iterable[Shown],
    log_url: str = "",
    linked: Line | None = None,
    logs: Mapping[int, Deployment] | None = None,
) -> SafeString:
    """Render lines as the items of a list, as line_html.line_items() writes them."""
    return line_items(lines, log_url=log_url, linked=linked or None, logs=logs or {})


@register.simple_tag
def histogram_bars(histogram: Histogram, url: str) -> SafeString:
    """Render the bars of a histogram, as histogram_html.bar_links() writes them."""
    return bar_links(histogram.bars, url)
