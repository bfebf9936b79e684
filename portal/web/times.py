"""Times as text: how long ago, how long, and exactly when."""

from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

UNITS = (  # seconds in a unit
    (86400, gettext_noop("d")),
    (3600, gettext_noop("h")),
    (60, gettext_noop("min")),
    (1, gettext_noop("s")),
)


def span_text(span: timedelta) -> str:
    """Return `span` in its two largest units, such as "1 h 12 min"; "0 s" for a negative one."""
    left = max(0, int(span.total_seconds()))
    if left < 60:
        return f"{left} {_('s')}"
    parts: list[tuple[int, str]] = []
    for size, unit in UNITS[:3]:
        count, left = divmod(left, size)
        if count or parts:
            parts.append((count, _(unit)))
    return " ".join(f"{count} {unit}" for count, unit in parts[:2] if count)


def ago_text(at: datetime | None, now: datetime) -> str:
    """Return how long before `now` the time `at` was, in one unit, such as "5 min ago".

    Return "never" for None, and "in 5 min" for a time after `now`.
    """
    if at is None:
        return _("never")
    seconds = int((now - at).total_seconds())
    if seconds < 0:
        return _("in %(span)s") % {"span": span_text(at - now)}
    if seconds < 2:
        return _("just now")
    size, unit = next((size, unit) for size, unit in UNITS if seconds >= size)
    return _("%(span)s ago") % {"span": f"{seconds // size} {_(unit)}"}


def age_text(at: datetime, now: datetime) -> str:
    """Return the time from `at` to `now` in two units, such as "2 h 5 min"; "just now" below 2 s."""
    return _("just now") if now - at < timedelta(seconds=2) else span_text(now - at)


def left_text(at: datetime, now: datetime) -> str:
    """Return about how long after `now` the time `at` is, such as "in 1 h 59 min"."""
    return _("in %(span)s") % {"span": span_text(at - now)} if at > now else _("about now")


def exact_text(at: datetime) -> str:
    """Return `at` to the second in the active time zone, with the name of the zone."""
    return timezone.localtime(at).strftime("%Y-%m-%d %H:%M:%S %Z")


def day_text(at: datetime, now: datetime) -> str:
    """Return the day of `at` in the active time zone: "Today", "Yesterday", or "Monday 5 January 2026"."""
    day, today = timezone.localdate(at), timezone.localdate(now)
    if day == today:
        return _("Today")
    return _("Yesterday") if day == today - timedelta(days=1) else date_format(day, "l j F Y")
