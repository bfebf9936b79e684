"""The histogram above the lines of a log: its bars by level, the marks of what people did, and its times."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from deployments.fleet.models import Deployment
from deployments.fleet.state_bar import Mark, marks_of
from deployments.fleet.timeline import place_of
from deployments.logs.counts import EPOCH
from deployments.logs.meaning import LEVELS
from deployments.logs.spans import Span
from deployments.logs.tally import Tally

MOST_BARS = 90
MOST_TICKS = 8
HEIGHT = 40  # of the bars, in pixels
SMALLEST = 1.5  # pixels, so that one error among thousands of lines can be seen
MINUTE, HOUR, DAY = 60, 3600, 86400
WIDTHS = (
    1,
    2,
    5,
    10,
    15,
    30,
    *(n * MINUTE for n in (1, 2, 5, 10, 15, 30)),
    *(n * HOUR for n in (1, 2, 3, 6, 12)),
    DAY,
)


@dataclass(frozen=True)
class Bar:
    """The lines of one stretch of time. `parts` are (level, y, height) in pixels, from below."""

    x: float  # per cent
    width: float
    start: datetime
    end: datetime
    parts: list[tuple[str, float, float]]
    counts: Counter[str]
    text: str


@dataclass(frozen=True)
class Histogram:
    """All that is drawn. `note` says what is not counted, or counted roughly."""

    start: datetime
    end: datetime
    bars: list[Bar]
    ticks: list[tuple[float, str]]
    marks: Sequence[Mark]
    note: str = ""


def bar_seconds(span: Span, *, most: int = MOST_BARS) -> int:
    """Return a width of bars that people know, in seconds, with at most `most` bars in a span."""
    length = (span.end - span.start).total_seconds()
    days = -(-int(length) // (most * DAY)) * DAY
    return next((width for width in WIDTHS if length / width <= most), max(days, DAY))


def line_words(counts: Counter[str]) -> str:
    """Return the number of lines, and of those that tell of trouble, in words."""
    total = sum(counts.values())
    words = [ngettext("%(count)s line", "%(count)s lines", total) % {"count": total}]
    if errors := counts["ERROR"]:
        words.append(ngettext("%(count)s error", "%(count)s errors", errors) % {"count": errors})
    if warnings := counts["WARNING"]:
        words.append(ngettext("%(count)s warning", "%(count)s warnings", warnings) % {"count": warnings})
    return ", ".join(words)


def histogram_of(
    tally: Tally,
    span: Span,
    *,
    level: str = "",
    marks: Sequence[Mark] = (),
    words: Callable[[Counter[str]], str] = line_words,
) -> Histogram:
    """Return the drawing of a tally over a span of Roboflow's clock, its bars with `words`.

    With a `level`, only its lines count.
    """
    shown = {
        at: counts if not level else Counter({level: counts[level]}) for at, counts in tally.bars.items()
    }
    highest = max((sum(counts.values()) for counts in shown.values()), default=0)
    bars = [
        bar_of(at, counts, tally.seconds, span, highest=highest, text=words(counts))
        for at, counts in sorted(shown.items())
        if sum(counts.values())
    ]
    return Histogram(span.start, span.end, bars, ticks_of(span), marks, note_of(tally))


def bar_of(at: int, counts: Counter[str], seconds: int, span: Span, *, highest: int, text: str) -> Bar:
    """Return the bar of the lines whose time begins `at`. What lies outside of the span is not drawn."""
    start = EPOCH + timedelta(seconds=at)
    end = start + timedelta(seconds=seconds)
    first = max(0.0, place_of(start, start=span.start, end=span.end))
    last = min(100.0, place_of(end, start=span.start, end=span.end))
    parts, below = [], 0.0
    for level in LEVELS:
        if counts[level]:
            height = round(max(SMALLEST, HEIGHT * counts[level] / highest), 1)
            below += height
            parts.append((level, round(max(0.0, HEIGHT - below), 1), height))
    return Bar(round(first, 2), round(max(0.1, last - first), 2), start, end, parts, counts, text)


def ticks_of(span: Span) -> list[tuple[float, str]]:
    """Return places and texts of whole times of the active time zone."""
    step = bar_seconds(span, most=MOST_TICKS)
    offset = int((timezone.localtime(span.start).utcoffset() or timedelta(0)).total_seconds())
    local = int((span.start - EPOCH).total_seconds()) + offset
    first = local - local % step + step - offset
    times = [datetime.fromtimestamp(first + number * step, UTC) for number in range(MOST_TICKS + 1)]
    form = "j M" if step >= DAY else "H:i" if step >= MINUTE else "H:i:s"
    return [
        (place_of(at, start=span.start, end=span.end), date_format(timezone.localtime(at), form))
        for at in times
        if span.start < at < span.end
    ]


def marks_in(deployment: Deployment, span: Span, *, ahead: timedelta) -> list[Mark]:
    """Return the marks of operations and of changes from outside in a span of Roboflow's clock.

    That clock is `ahead` of the portal's.
    """
    return marks_of(deployment, start=span.start - ahead, end=span.end - ahead)


def note_of(tally: Tally) -> str:
    """Return what a reader must know of the numbers, or ""."""
    if tally.until:
        return _("Only lines before %(at)s are counted.") % {"at": time_text(tally.until)}
    if tally.since:
        return _("Counted since %(at)s: the range has more lines than one search counts.") % {
            "at": time_text(tally.since)
        }
    return ""


def time_text(at: datetime) -> str:
    """Return day and time of the active time zone."""
    return date_format(timezone.localtime(at), "j M H:i:s")
