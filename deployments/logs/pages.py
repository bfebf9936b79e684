"""Take as many log lines as fit on one page, whatever their length; the rest is on further pages."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import NamedTuple

from django.db.models import Q, QuerySet
from django.db.models.functions import Length, Substr
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString

from deployments.fleet.models import Deployment
from deployments.logs.lines import MAX_SHOWN_CHARACTERS, render_html
from deployments.logs.models import Line, shown_level
from deployments.logs.words import Pattern

PAGE_BYTES = 256 * 1024  # of the text of all lines on one page, as HTML
MOST_FETCHED = 512  # lines
DOWNLOAD_FETCH = 100


class ShownLine(NamedTuple):
    """What pages show of a stored line: the `beginning` of its payload, which has `length` characters.

    A tuple, as a page has hundreds, and making models of them takes longer than reading them.
    """

    pk: int
    deployment_id: int
    insert_id: str
    timestamp: datetime
    severity: str
    level: str
    beginning: str
    length: int

    @property
    def shown_level(self) -> str:
        """The level that the line itself tells, or else that of Roboflow's severity."""
        return shown_level(self.level, self.severity)

    @property
    def hidden(self) -> int:
        """How many characters are left out."""
        return max(0, self.length - MAX_SHOWN_CHARACTERS)


Shown = tuple[ShownLine, SafeString | str]
Beyond = Callable[[QuerySet[Line], ShownLine], QuerySet[Line]]


@dataclass(frozen=True)
class LogPage:
    """Lines with their HTML, oldest first.

    `older` and `newer` are the ids of the first and the last line if there are lines beyond it, otherwise "".
    """

    lines: list[Shown]
    older: str = ""
    newer: str = ""


def newest_page(rows: QuerySet[Line], count: int, *, pattern: Pattern | None = None) -> LogPage:
    """Return the newest lines that fit on a page, at most `count` and at least one if there is any.

    What `pattern` finds is marked in them.
    """
    lines, is_more = take_lines(
        from_newest(rows, most=count + 1), count=count, size=PAGE_BYTES, pattern=pattern
    )
    return LogPage(lines[::-1], older=lines[-1][0].insert_id if is_more else "")


def page_around(rows: QuerySet[Line], line: Line, count: int, *, pattern: Pattern | None = None) -> LogPage:
    """Return `line`, the lines before it that fit, and half a page of lines after it."""
    later, is_more = take_lines(
        from_oldest(after_line(rows, line), most=count // 2 + 1),
        count=count // 2,
        size=PAGE_BYTES // 2,
        pattern=pattern,
    )
    same_or_before = before_line(rows, line) | rows.filter(pk=line.pk)
    rest = count - len(later)
    earlier, is_older = take_lines(
        from_newest(same_or_before, most=rest + 1), count=rest, size=PAGE_BYTES // 2, pattern=pattern
    )
    lines = earlier[::-1] + later
    return LogPage(
        lines,
        older=lines[0][0].insert_id if is_older else "",
        newer=lines[-1][0].insert_id if is_more and lines else "",
    )


def lines_around(line: Line, count: int) -> list[ShownLine]:
    """Return `line` with the `count` lines before and after it in its log, whatever they say."""
    rows = Line.objects.filter(deployment=line.deployment_id)
    before = from_newest(before_line(rows, line), most=count)
    from_here = from_oldest(after_line(rows, line) | rows.filter(pk=line.pk), most=count + 1)
    return [*reversed(list(before)), *from_here]


def take_lines(
    lines: Iterator[ShownLine], *, count: int, size: int, pattern: Pattern | None = None
) -> tuple[list[Shown], bool]:
    """Return the first lines, and whether there are more: at most `count`, and `size` bytes of HTML.

    One line is returned whatever its size, unless `count` is 0.
    """
    taken: list[Shown] = []
    for line in lines:
        html = conditional_escape(render_html(line.beginning, pattern))
        size -= len(html.encode())
        if len(taken) == count or (taken and size < 0):
            return taken, True
        taken.append((line, html))
    return taken, False


def from_newest(rows: QuerySet[Line], *, most: int) -> Iterator[ShownLine]:
    """Yield at most `most` lines, the newest first."""
    return fetch_lines(rows.order_by("-timestamp", "-id"), before_line, most=most)


def from_oldest(rows: QuerySet[Line], *, most: int) -> Iterator[ShownLine]:
    """Yield at most `most` lines, the oldest first."""
    return fetch_lines(rows.order_by("timestamp", "id"), after_line, most=most)


def fetch_lines(rows: QuerySet[Line], beyond: Beyond, *, most: int) -> Iterator[ShownLine]:
    """Yield the lines in their order, read in parts; `beyond` returns those that come after one of them."""
    size = min(most, MOST_FETCHED)
    fetched = read_lines(rows, size)
    while fetched:
        yield from fetched
        most -= len(fetched)
        if len(fetched) < size or most <= 0:  # a search of the rest may take long: it has nothing more
            return
        size = min(most, MOST_FETCHED)
        fetched = read_lines(beyond(rows, fetched[-1]), size)


def read_lines(rows: QuerySet[Line], count: int) -> list[ShownLine]:
    """Return the first `count` lines with the beginnings of their payloads."""
    beginning, length = Substr("payload", 1, MAX_SHOWN_CHARACTERS), Length("payload")
    values = rows.annotate(beginning=beginning, length=length).values_list(*ShownLine._fields)
    return list(map(ShownLine._make, values[:count]))


def logs_of(lines: Iterable[Shown]) -> dict[int, Deployment]:
    """Return the deployments, with their workspaces, whose logs the lines are of."""
    return Deployment.objects.select_related("workspace").in_bulk({line.deployment_id for line, _ in lines})


def before_line(rows: QuerySet[Line], line: Line | ShownLine) -> QuerySet[Line]:
    """Return the lines that come before `line`."""
    same_time = Q(timestamp=line.timestamp, id__lt=line.pk)
    return rows.filter(Q(timestamp__lt=line.timestamp) | same_time, timestamp__lte=line.timestamp)


def after_line(rows: QuerySet[Line], line: Line | ShownLine) -> QuerySet[Line]:
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
