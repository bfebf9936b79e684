"""What a deployment's status was, and for how long: as spans, as a drawing, and as sums. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

RANGES = {"24h": timedelta(hours=24), "7d": timedelta(days=7), "30d": timedelta(days=30)}
COLOURED_STATUSES = {"pending", "ready", "paused", "failed", "expired", "deleted"}
UNOBSERVED = "unobserved"  # in the place of a status: nobody looked, so it is not known
GONE = "gone"
SMALLEST_WIDTH = 0.1  # per cent, so that a short status can be seen

Span = tuple[datetime, datetime]  # start and end


@dataclass(frozen=True)
class StatusSpan:
    """One status for a while. `status` is UNOBSERVED when the portal did not look."""

    status: str
    start: datetime
    end: datetime

    @property
    def length(self) -> timedelta:
        """How long it lasted."""
        return self.end - self.start

    @property
    def look(self) -> str:
        """The CSS class: the status, or "other" for one that we do not know."""
        return self.status if self.status in {*COLOURED_STATUSES, UNOBSERVED} else "other"


@dataclass(frozen=True)
class Segment:
    """A span with its place in a drawing. `x` and `width` are in per cent of the drawing's width."""

    span: StatusSpan
    x: float
    width: float

    @property
    def look(self) -> str:
        """The CSS class."""
        return self.span.look


def status_spans(
    steps: Sequence[tuple[datetime, str]], *, start: datetime, end: datetime, gaps: Iterable[Span] = ()
) -> list[StatusSpan]:
    """Return the spans between `start` and `end` for `steps` of (observed at, status), oldest first.

    There is none before the first step, nor while the deployment was "gone". During `gaps`, which come oldest
    first and do not overlap, the portal did not look, so a span is cut there.
    """
    spans: list[StatusSpan] = []
    ends = [at for at, _ in steps[1:]] + [end]
    all_gaps = list(gaps)
    for (at, status), until in zip(steps, ends, strict=False):
        first, last = max(at, start), min(until, end)
        if last > first and status != GONE:
            spans.extend(cut_span(StatusSpan(status, first, last), all_gaps))
    return spans


def cut_span(span: StatusSpan, gaps: Iterable[Span]) -> list[StatusSpan]:
    """Return `span` in pieces: those that were observed, and those inside of `gaps`, which were not."""
    pieces, at = [], span.start
    for gap_start, gap_end in gaps:
        first, last = max(gap_start, at), min(gap_end, span.end)
        if last <= first:
            continue
        pieces += [StatusSpan(span.status, at, first), StatusSpan(UNOBSERVED, first, last)]
        at = last
    pieces.append(StatusSpan(span.status, at, span.end))
    return [piece for piece in pieces if piece.end > piece.start]


def place_of(at: datetime, *, start: datetime, end: datetime) -> float:
    """Return where the time `at` is in a drawing from `start` to `end`, in per cent."""
    return round(100 * ((at - start) / (end - start)), 3)


def draw_spans(spans: Iterable[StatusSpan], *, start: datetime, end: datetime) -> list[Segment]:
    """Return `spans` with their places in a drawing from `start` to `end`."""
    segments = []
    for span in spans:
        x = place_of(span.start, start=start, end=end)
        width = place_of(span.end, start=start, end=end) - x
        segments.append(Segment(span, x, round(max(width, SMALLEST_WIDTH), 3)))
    return segments


def time_by_status(spans: Iterable[StatusSpan]) -> dict[str, timedelta]:
    """Return how long each status lasted in all, the longest first, and what was not observed last."""
    sums: dict[str, timedelta] = {}
    for span in spans:
        sums[span.status] = sums.get(span.status, timedelta(0)) + span.length
    return dict(sorted(sums.items(), key=lambda one: (one[0] == UNOBSERVED, -one[1])))
