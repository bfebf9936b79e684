"""Lines of a log as the items of a list. Python writes them: there are hundreds, and templates are slower."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from html import escape
from urllib.parse import quote

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from deployments.fleet.models import Deployment
from deployments.logs.meaning import DEFAULT
from deployments.logs.models import Line
from deployments.logs.pages import Shown, ShownLine

LEVEL_WORDS = {
    "ERROR": gettext_noop("Error"),
    "WARNING": gettext_noop("Warning"),
    "INFO": gettext_noop("Info"),
    "DEBUG": gettext_noop("Debug"),
    "DEFAULT": gettext_noop("Default"),
}


def line_items(
    lines: Iterable[Shown],
    *,
    log_url: str = "",
    linked: Line | None = None,
    logs: Mapping[int, Deployment] | None = None,
) -> SafeString:
    """Return the lines as <li> elements; the first line of a day names the day.

    `log_url` is the address of the log that all of them are in. Otherwise `logs` has their deployments by
    primary key, and each line names its own. `linked` is the line that the page leads to.
    """
    said = {level: said_level(level) for level in LEVEL_WORDS}
    places = {pk: escape(f"{one.get_absolute_url()}logs/") for pk, one in (logs or {}).items()}
    names = {
        pk: f'<a class="whose ellipsis" href="{places[pk]}">{escape(one.deployment_name)}</a>'
        for pk, one in (logs or {}).items()
    }
    zone, clock = timezone.get_current_timezone(), Clock()
    linked_pk = linked.pk if linked else None
    items, day_before, day = [], None, ""
    for line, html in lines:
        at, level = line.timestamp.astimezone(zone), line.shown_level
        classes = f"level-{level}"
        if at.date() != day_before:
            day, day_before = escape(date_format(at, "D j M Y")), at.date()
            classes += " is-new-day"
        if line.pk == linked_pk:
            classes += " is-linked"
        place = places.get(line.deployment_id) or escape(log_url)
        address = f"{place}line/?id={quote(line.insert_id, safe='')}"
        items.append(
            f'<li id="line-{line.pk}" data-line="{escape(line.insert_id)}" data-day="{day}"'
            f' class="{classes}">'
            f'<a class="at" href="{address}"><time datetime="{line.timestamp.isoformat()}" data-clock="ms">'
            f"{clock.text(at)}</time></a>{names.get(line.deployment_id, '')}"
            f'<span class="text">{said[level]}{conditional_escape(html)}{rest_of(line, place)}</span></li>'
        )
    return mark_safe("\n".join(items))  # noqa: S308 - each value was escaped above


def said_level(level: str) -> str:
    """Return the HTML that tells a level to those who do not see its colour."""
    return (
        f'<span class="visually-hidden">{escape(_(LEVEL_WORDS[level]))}: </span>' if level != DEFAULT else ""
    )


def rest_of(line: ShownLine, place: str) -> str:
    """Return a link to the whole line, as HTML, if the page leaves out a part of it; otherwise ""."""
    if not line.hidden:
        return ""
    text = escape(_("%(hidden)s more characters: the whole line") % {"hidden": line.hidden})
    address = f"{place}?line={quote(line.insert_id, safe='')}&amp;only=1&amp;format=txt"
    return f'… <a href="{address}">{text}</a>'


class Clock:
    """Writes local times to the millisecond, with their offset in an hour that is repeated in autumn."""

    def __init__(self) -> None:
        self.offsets: dict[tuple[int, ...], str] = {}

    def text(self, at: datetime) -> str:
        """Return the text of a local time. Zones change their offset at whole quarters of an hour."""
        quarter = (at.year, at.month, at.day, at.hour, at.minute // 15, at.fold)
        offset = self.offsets.get(quarter)
        if offset is None:
            offset = self.offsets[quarter] = repeated_offset(at)
        return f"{at.isoformat(timespec='milliseconds')[11:23]}{offset}"


def repeated_offset(at: datetime) -> str:
    """Return " +02:00" and the like for a time that occurs twice in its zone, otherwise ""."""
    is_repeated = at.replace(fold=0).utcoffset() > at.replace(fold=1).utcoffset()  # type: ignore[operator]
    return f" {at.isoformat()[-6:]}" if is_repeated else ""
