"""Lines of a log as the items of a list. Python writes them: there are hundreds, and templates are slower."""

from collections.abc import Iterable
from datetime import datetime
from urllib.parse import quote

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import conditional_escape, escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from deployments.logs.meaning import DEFAULT
from deployments.logs.models import Line
from deployments.logs.pages import Shown

LEVEL_WORDS = {
    "ERROR": gettext_noop("Error"),
    "WARNING": gettext_noop("Warning"),
    "INFO": gettext_noop("Info"),
    "DEBUG": gettext_noop("Debug"),
    "DEFAULT": gettext_noop("Default"),
}


def line_items(
    lines: Iterable[Shown], *, log_url: str = "", linked: Line | None = None, names_log: bool = False
) -> SafeString:
    """Return the lines as <li> elements; the first line of a day names the day.

    `log_url` is the address of the log that all of them are in; without it, each names its own. `linked` is
    the line that the page leads to. With `names_log`, each line shows the name of its deployment.
    """
    words = {level: escape(_(word)) for level, word in LEVEL_WORDS.items()}
    items, day_before = [], None
    for line, html in lines:
        at, level = timezone.localtime(line.timestamp), line.shown_level
        if is_new_day := at.date() != day_before:
            day, day_before = escape(date_format(at, "D j M Y")), at.date()
        place = escape(log_url or f"{line.deployment.get_absolute_url()}logs/")
        classes = (
            f"level-{level}{' is-new-day' if is_new_day else ''}{' is-linked' if line == linked else ''}"
        )
        address = f"{place}line/?id={quote(line.insert_id, safe='')}"
        name = escape(line.deployment.deployment_name) if names_log else ""
        whose = f'<a class="whose ellipsis" href="{place}">{name}</a>' if names_log else ""
        said = f'<span class="visually-hidden">{words[level]}: </span>' if level != DEFAULT else ""
        items.append(
            f'<li id="line-{line.pk}" data-line="{escape(line.insert_id)}" data-day="{day}"'
            f' class="{classes}">'
            f'<a class="at" href="{address}"><time datetime="{line.timestamp.isoformat()}" data-clock="ms">'
            f"{clock_text(at)}</time></a>{whose}"
            f'<span class="text">{said}{conditional_escape(html)}{rest_of(line, place)}</span></li>'
        )
    return mark_safe("\n".join(items))  # noqa: S308 - each value was escaped above


def rest_of(line: Line, place: str) -> str:
    """Return a link to the whole line, as HTML, if the page leaves out a part of it; otherwise ""."""
    hidden = getattr(line, "hidden", 0)
    if hidden <= 0:
        return ""
    text = escape(_("%(hidden)s more characters: the whole line") % {"hidden": hidden})
    address = f"{place}?line={quote(line.insert_id, safe='')}&amp;only=1&amp;format=txt"
    return f'… <a href="{address}">{text}</a>'


def clock_text(at: datetime) -> str:
    """Return a local time to the millisecond, with its offset in an hour that is repeated in autumn."""
    text = f"{at:%H:%M:%S}.{at.microsecond // 1000:03}"
    is_repeated = at.replace(fold=0).utcoffset() > at.replace(fold=1).utcoffset()  # type: ignore[operator]
    return f"{text} {at.isoformat()[-6:]}" if is_repeated else text
