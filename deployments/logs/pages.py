"""Take as many log lines as fit on one page, whatever their length; the rest is on further pages."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from django.db.models import Q, QuerySet
from django.db.models.functions import Length, Substr
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString

from deployments.logs.lines import MAX_SHOWN_CHARACTERS, render_html
from deployments.logs.models import Line
from deployments.logs.words import Pattern

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


def newest_page(rows: QuerySet[Line], count: int, *, pattern: Pattern | None = None) -> LogPage:
    """Return the newest lines that fit on a page, at most `count` and at least one if there is any.

    What `pattern` finds is marked in them.
    """
    lines, is_more = take_lines(
        fetch_lines(rows, "-timestamp", "-id"), count=count, size=PAGE_BYTES, pattern=pattern
    )
    return LogPage(lines[::-1], older=lines[-1][0].insert_id if is_more else "")


def page_around(rows: QuerySet[Line], line: Line, count: int, *, pattern: Pattern | None = None) -> LogPage:
    """Return `line`, the lines before it that fit, and half a page of lines after it."""
    later, is_more = take_lines(
        fetch_lines(after_line(rows, line), "timestamp", "id"),
        count=count // 2,
        size=PAGE_BYTES // 2,
        pattern=pattern,
    )
    same_or_before = before_line(rows, line) | rows.filter(pk=line.pk)
    newest_first = fetch_lines(same_or_before, "-timestamp", "-id")
    earlier, is_older = take_lines(
        newest_first, count=count - len(later), size=PAGE_BYTES // 2, pattern=pattern
    )
    lines = earlier[::-1] + later
    return LogPage(
        lines,
        older=lines[0][0].insert_id if is_older else "",
        newer=lines[-1][0].insert_id if is_more and lines else "",
    )


def lines_around(line: Line, count: int) -> tuple[list[Line], list[Line]]:
    """Return the `count` lines before and after `line` in its log, whatever they say, oldest first."""
    rows = Line.objects.filter(deployment=line.deployment_id)
    before = islice(fetch_lines(before_line(rows, line), "-timestamp", "-id"), count)
    after = islice(fetch_lines(after_line(rows, line), "timestamp", "id"), count)
    return list(before)[::-1], list(after)


def take_lines(
    lines: Iterator[Line], *, count: int, size: int, pattern: Pattern | None = None
) -> tuple[list[Shown], bool]:
    """Return the first lines, and whether there are more: at most `count`, and `size` bytes of HTML.

    One line is returned whatever its size, unless `count` is 0.
    """
    taken: list[Shown] = []
    for line in lines:
        html = render_html(line.beginning, pattern)  # type: ignore[attr-defined] # annotated by fetch_lines
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


def after_line(rows: QuerySet[Line], line: Line) -> QuerySet[Line]:
    """Return the lines that come after `line`."""
    same_time = Q(timestamp=line.timestamp, id__gt=line.pk)
    return rows.filter(Q(timestamp__gt=line.timestamp) | same_time, timestamp__gte=line.timestamp)


def newest_whole_lines(rows: QuerySet[Line], count: int, *, pattern: Pattern | None = None) -> Iterator[Line]:
    """Yield the newest `count` lines with their whole payloads, oldest first, few of them in memory.

    With a pattern, those that contain it.
    """
    newest_first = rows.order_by("-timestamp", "-id")
    if pattern:
        lines = newest_first.iterator(chunk_size=DOWNLOAD_FETCH)
        ids = list(islice((line.pk for line in lines if pattern.search(line.plain)), count))[::-1]
    else:
        ids = list(newest_first.values_list("pk", flat=True)[:count])[::-1]
    for start in range(0, len(ids), DOWNLOAD_FETCH):
        wanted = ids[start : start + DOWNLOAD_FETCH]
        found = rows.order_by().in_bulk(wanted)
        yield from (found[pk] for pk in wanted if pk in found)
