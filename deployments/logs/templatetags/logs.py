"""Tags of the pages that show log lines."""

from datetime import datetime

from django import template
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from deployments.logs.models import Line

register = template.Library()
LEVEL_WORDS = {
    "ERROR": gettext_noop("Error"),
    "WARNING": gettext_noop("Warning"),
    "INFO": gettext_noop("Info"),
    "DEBUG": gettext_noop("Debug"),
    "DEFAULT": gettext_noop("Default"),
}


@register.filter
def level_word(level: str) -> str:
    """Return the word for a level of meaning.LEVELS."""
    return _(LEVEL_WORDS[level])


@register.simple_tag
def line_place(line: Line, log_url: str = "") -> str:
    """Return the address of the log that a line is in: `log_url`, if all lines of the page are in one log."""
    return log_url or f"{line.deployment.get_absolute_url()}logs/"


@register.simple_tag
def day_of(line: Line) -> str:
    """Return the day of a line in the person's time zone, as the heading above its lines."""
    return date_format(timezone.localtime(line.timestamp), "D j M Y")


@register.simple_tag
def line_time(line: Line) -> SafeString:
    """Render the time of day of a line, to the millisecond, in the person's time zone."""
    text = clock_text(timezone.localtime(line.timestamp))
    return format_html('<time datetime="{}" data-clock="ms">{}</time>', line.timestamp.isoformat(), text)


def clock_text(at: datetime) -> str:
    """Return a local time to the millisecond, with its offset in an hour that is repeated in autumn."""
    text = f"{at:%H:%M:%S}.{at.microsecond // 1000:03}"
    is_repeated = at.replace(fold=0).utcoffset() > at.replace(fold=1).utcoffset()  # type: ignore[operator]
    return f"{text} {at.isoformat()[-6:]}" if is_repeated else text
