"""Tags of the pages that show log lines."""

from django import template
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

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
