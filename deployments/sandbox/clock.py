"""Roboflow's clock: how far it is ahead of this machine's, now and in the past."""

import math
from typing import NamedTuple


class Span(NamedTuple):
    """A span of this machine's Unix time in which Roboflow's clock is ahead by `difference` seconds."""

    start: float
    end: float
    difference: float


ALWAYS_RIGHT = (Span(-math.inf, math.inf, 0.0),)


class Clock:
    """Roboflow's clock. It decides the `Date` header, the log timestamps and what a time in a query means.

    The life of deployments goes by this machine's clock: a clock that is set wrong makes nothing happen.
    """

    def __init__(self) -> None:
        # Replaced as a whole, never changed, so that it can be read without a lock.
        self._spans: tuple[Span, ...] = ALWAYS_RIGHT

    @property
    def spans(self) -> tuple[Span, ...]:
        """Return all spans, oldest first; together they cover all times."""
        return self._spans

    def set_right(self) -> None:
        """Make the clock right, now and in the past."""
        self._spans = ALWAYS_RIGHT

    def set_difference(
        self, seconds: float, *, now: float, step: bool, for_seconds: float | None = None
    ) -> None:
        """Put Roboflow's clock ahead by `seconds` (behind if negative).

        With `step` the clock is changed at `now`, and earlier log lines keep their timestamps; otherwise it
        was always so. After `for_seconds` the clock steps back to the right time.
        """
        past = [span for span in self._spans if span.start < now] if step else []
        if past:
            past[-1] = past[-1]._replace(end=now)
        start = now if past else -math.inf
        if for_seconds is None:
            self._spans = (*past, Span(start, math.inf, seconds))
        else:
            end = now + for_seconds
            self._spans = (*past, Span(start, end, seconds), Span(end, math.inf, 0.0))

    def difference_at(self, at: float) -> float:
        """Return how many seconds Roboflow's clock is ahead at this Unix time."""
        return next(span.difference for span in self._spans if span.start <= at < span.end)
