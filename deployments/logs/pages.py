"""Take as many log lines as fit on one page, whatever their length; the rest is on further pages."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.db.models import Q, QuerySet
from django.db.models.functions import Length, Substr
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString

from deployments.logs.lines import MAX_SHOWN_CHARACTERS, render_html
from deployments.logs.models import Line

PAGE_BYTES = 256 * 1024  # of the text of all lines on one page, as HTML
FIRST_FETCH = 64  # lines; as many long ones as fill a page
MOST_FETCHED = 512
DOWNLOAD_FETCH = 100


Shown = tuple[Line, SafeString | str]


@dataclass(frozen=True)
class LogPage:
    """Lines with their HTML, oldest first.

    Each line has `hidden`: how many characters its HTML leaves out, or 0 or less if none. `older` and `newer`
    are the ids of the first and the last line if there are lines beyond it, otherwise "".
    """

    lines: list[Shown]
    older: str = ""
    newer: str = ""


def newest_page(rows: QuerySet[Line], count: int, *, terms: Sequence[str] = ()) -> LogPage:
    """Return the newest lines that fit on a page, at most `count` and at least one if there is any.

    The `terms` of a search are marked in them.
    """
    lines, is_more = take_lines(
        fetch_lines(rows, "-timestamp", "-id"), count=count, size=PAGE_BYTES, terms=terms
    )
    return LogPage(lines[::-1], older=lines[-1][0].insert_id if is_more else "")


def page_around(rows: QuerySet[Line], line: Line, count: int, *, terms: Sequence[str] = ()) -> LogPage:
    """Return `line`, the lines before it that fit, and half a page of lines after it."""
    same_time = Q(timestamp=line.timestamp, id__gt=line.pk)
    after = rows.filter(Q(timestamp__gt=line.timestamp) | same_time, timestamp__gte=line.timestamp)
    later, is_more = take_lines(
        fetch_lines(after, "timestamp", "id"), count=count // 2, size=PAGE_BYTES // 2, terms=terms
    )
    same_or_before = before_line(rows, line) | rows.filter(pk=line.pk)
    newest_first = fetch_lines(same_or_before, "-timestamp", "-id")
    earlier, is_older = take_lines(newest_first, count=count - len(later), size=PAGE_BYTES // 2, terms=terms)
    lines = earlier[::-1] + later
    return LogPage(
        lines,
        older=lines[0][0].insert_id if is_older else "",
        newer=lines[-1][0].insert_id if is_more and lines else "",
    )


def take_lines(
    lines: Iterator[Line], *, count: int, size: int, terms: Sequence[str] = ()
) -> tuple[list[Shown], bool]:
    """Return the first lines, and whether there are more: at most `count`, and `size` bytes of HTML.

    One line is returned whatever its size, unless `count` is 0.
    """
    taken: list[Shown] = []
    for line in lines:
        html = render_html(line.beginning, terms)  # type: ignore[attr-defined] # annotated by fetch_lines
        size -= len(conditional_escape(html).encode())
        if len(taken) == count or (taken and size < 0):
            return taken, True
        taken.append((line, html))
    return taken, False


def fetch_lines(rows: QuerySet[Line], *order: str) -> Iterator[Line]:
    """Yield the lines with the beginnings of their payloads. Few are fetched at a time."""
    shown = rows.order_by(*order).defer("payload", "text")
    shown = shown.annotate(
        beginning=Substr("payload", 1, MAX_SHOWN_CHARACTERS), hidden=Length("payload") - MAX_SHOWN_CHARACTERS
    )
    start, size = 0, FIRST_FETCH
    while fetched := list(shown[start : start + size]):
        yield from fetched
        start, size = start + size, min(2 * size, MOST_FETCHED)


def before_line(rows: QuerySet[Line], line: Line) -> QuerySet[Line]:
    """Return the lines that come before `line`."""
    same_time = Q(timestamp=line.timestamp, id__lt=line.pk)
    return rows.filter(Q(timestamp__lt=line.timestamp) | same_time, timestamp__lte=line.timestamp)


def newest_whole_lines(rows: QuerySet[Line], count: int) -> Iterator[Line]:
    """Yield the newest `count` lines with their whole payloads, oldest first, few of them in memory."""
    ids = list(rows.order_by("-timestamp", "-id").values_list("pk", flat=True)[:count])[::-1]
    for start in range(0, len(ids), DOWNLOAD_FETCH):
        wanted = ids[start : start + DOWNLOAD_FETCH]
        found = rows.order_by().in_bulk(wanted)
        yield from (found[pk] for pk in wanted if pk in found)
