"""Spans of a log, in Roboflow's clock: what was read, and what of it is missing. Pure; times are aware."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

# How late a line may appear in the log, after its timestamp: only what is older counts as read for good.
LATE = timedelta(minutes=10)
OVERLAP = timedelta(seconds=60)  # most lines that are late are not later than this: read again at each look
AHEAD = timedelta(minutes=10)  # asked beyond the present: Roboflow's clock may be ahead of what we know of it
FIRST_SPAN = timedelta(hours=1)  # what the first harvest of a log reads: what Roboflow shows by default
TICK = timedelta(microseconds=1)  # the smallest step of a timestamp


@dataclass(frozen=True, order=True)
class Span:
    """A span of a log, from start to end, both included."""

    start: datetime
    end: datetime


def join_spans(spans: Iterable[Span]) -> list[Span]:
    """Return the spans in order, those that overlap or touch as one."""
    joined: list[Span] = []
    for span in sorted(spans):
        if joined and span.start <= joined[-1].end:
            joined[-1] = Span(joined[-1].start, max(joined[-1].end, span.end))
        else:
            joined.append(span)
    return joined


def missing_spans(wanted: Span, covered: Iterable[Span]) -> list[Span]:
    """Return the parts of `wanted` that no span of `covered` has, newest first. A moment alone is no part."""
    missing, start = [], wanted.start
    for span in join_spans(covered):
        if span.start > start:
            missing.append(Span(start, min(span.start, wanted.end)))
        start = max(start, span.end)
        if start >= wanted.end:
            break
    if start < wanted.end:
        missing.append(Span(start, wanted.end))
    return [span for span in reversed(missing) if span.start < span.end]


def recent_span(*, read_to: datetime | None, covered_to: datetime | None, now: datetime) -> Span:
    """Return what to read of the newest lines, some of which may still appear late.

    `read_to` is where the last look ended, `covered_to` the end of what was read for good, and `now` the
    present, which may be wrong by up to AHEAD: all by Roboflow's clock.
    """
    start = now - LATE - AHEAD
    if covered_to is not None:
        start = max(start, min(covered_to, now))
    if read_to is not None:
        start = max(start, min(read_to, now) - OVERLAP)
    return Span(start, now + AHEAD)
