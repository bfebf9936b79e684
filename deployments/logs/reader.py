"""Read one span of a log from Roboflow, page by page from its end to its start."""

import time
from dataclasses import dataclass
from datetime import datetime

from deployments.keys.open import KeyUnreadable, call_with_key, reader_keys
from deployments.logs.budget import take_call
from deployments.logs.coverage import record_gap
from deployments.logs.models import Harvest, Line
from deployments.logs.spans import LATE, TICK, Span
from deployments.logs.store import store_lines
from deployments.roboflow.client import Client
from deployments.roboflow.errors import KeyRefused
from deployments.roboflow.mask import Secret
from deployments.roboflow.schema import LogPage
from portal.clock import now as clock

MAX_ENTRIES = 1000  # of one call; Roboflow documents no maximum and may give fewer
ATTEMPTS = 3  # to get an answer that can be read whole
LONG_SPAN = 2 * LATE  # a longer one was never read: no look at the newest lines shows whether it has any
DEFAULT_ENTRIES = 50  # what Roboflow gives by default, so perhaps the smallest maximum of an answer


@dataclass
class Look:
    """What one harvest may still do: until when (monotonic seconds), and how many pages of missing parts."""

    ends_at: float
    is_watched: bool  # somebody has the log open
    pages: int


class SpanReader:
    """Reads a span. Each page is stored at once, so a later error loses no line.

    Roboflow answers with the newest lines of what it is asked for, and says neither whether that was all nor
    how many it gives at most. So a strict reader asks again for what is before the oldest line, until an
    answer brings nothing older; only then is the span read for good. Lines of one moment may be more than an
    answer holds: that moment is stored as a gap, and reading goes on before it. An answer of which a strict
    reader cannot read all is asked for again; what it still lacks then is stored as a gap, too. A long span
    without any line counts as read when a later harvest finds none either.
    """

    def __init__(self, state: Harvest, span: Span, look: Look, *, pages: int, is_strict: bool) -> None:
        self.state, self.span, self.look = state, span, look
        self.pages, self.is_strict = pages, is_strict
        self.count = 0  # pages that were read
        self.attempts = 1  # of the present page
        self.end = span.end  # what is later was read
        self.longest = 0  # the number of entries in the longest answer: an answer can hold that many
        self.moment: datetime | None = None  # the oldest line so far
        self.full_moment: tuple[datetime, int] | None = None  # one that perhaps has more lines than came
        self.is_complete = False

    @property
    def left(self) -> Span | None:
        """The part that was not read, or None when all was."""
        if self.is_complete:
            return None
        # Whether a full moment is a gap is not known yet, so it is read again.
        end = self.full_moment[0] + TICK if self.full_moment else self.end
        return Span(self.span.start, min(end, self.span.end))

    @property
    def done(self) -> Span:
        """The part that was read."""
        return Span(self.left.end if self.left else self.span.start, self.span.end)

    def read(self) -> None:
        """Read until all is read, or the pages are used up.

        Raises BudgetSpent, ReadingPaused, RoboflowError and KeyUnreadable.
        """
        while not self.is_complete and self.count < self.pages:
            page = self.fetch(self.span.start, self.end)
            new_ids = store_lines(self.state, page)
            if self.is_strict and self.is_doubtful(page):
                if self.attempts < ATTEMPTS:
                    self.attempts += 1
                    continue
                self.tell_unreadable(page)
            self.attempts = 1
            if self.doubt_first_silence(page):
                break
            self.take(page, new_ids)
        if self.is_complete and self.full_moment:
            self.check_full_moment(*self.full_moment)

    def fetch(self, start: datetime, end: datetime) -> LogPage:
        """Return the newest lines of a part."""
        self.count += 1
        return fetch_log_page(self.state, Span(start, end), self.look)

    def is_doubtful(self, page: LogPage) -> bool:
        """Return whether an answer lacks lines: some cannot be read, or none came though some are stored."""
        if page.bad or page.lines:
            return bool(page.bad)
        stored = Line.objects.filter(deployment=self.state.deployment_id)
        return stored.filter(timestamp__gte=self.span.start, timestamp__lte=self.end).exists()

    def doubt_first_silence(self, page: LogPage) -> bool:
        """Doubt a long span of which nothing came for the first time; return whether it is doubted now."""
        if not self.is_strict:
            return False
        state, span = self.state, self.span
        is_silent = self.moment is None and not page.lines and not page.bad
        begin, end = state.doubted_from, state.doubted_to
        was_doubted = begin is not None and end is not None and begin <= span.start < end
        is_first = is_silent and span.end - span.start > LONG_SPAN and not was_doubted
        state.doubted_from, state.doubted_to = (span.start, span.end) if is_first else (None, None)
        if (begin, end) != (state.doubted_from, state.doubted_to):
            state.save(update_fields=["doubted_from", "doubted_to"])
        return is_first

    def tell_unreadable(self, page: LogPage) -> None:
        """Store how many lines of an answer cannot be read, if there are any, and where it begins."""
        if page.bad:
            begin = page.lines[-1].timestamp if page.lines else self.span.start
            record_gap(self.state.deployment_id, begin, lines=len(page.bad), is_unreadable=True)

    def take(self, page: LogPage, new_ids: set[str]) -> None:
        """Decide by a page, of which `new_ids` are new, what is to be read next."""
        entries = len(page.lines) + len(page.bad)
        oldest = page.lines[-1] if page.lines else None
        if oldest is None or oldest.timestamp <= self.span.start:
            self.complete(is_older=oldest is not None)
        elif not self.is_strict and (entries < DEFAULT_ENTRIES or oldest.insert_id not in new_ids):
            self.complete(is_older=False)  # the rest is known, or is read again for good later
        elif self.moment is not None and oldest.timestamp >= self.moment:
            self.take_same_moment(oldest.timestamp, entries)
        else:
            self.tell_full_moment()  # something is older, so that answer was cut off
            self.moment, self.end = oldest.timestamp, oldest.timestamp + TICK
        self.longest = max(self.longest, entries)

    def take_same_moment(self, moment: datetime, entries: int) -> None:
        """Go on after an answer with lines of one moment alone, which an earlier answer had reached."""
        if entries < self.longest:  # this answer had room for more: there is nothing older
            self.complete(is_older=False)
            return
        self.full_moment = (moment, entries)
        self.end = min(moment, self.end) - TICK

    def complete(self, *, is_older: bool) -> None:
        """Note that the whole span was read; `is_older` tells that lines before a full moment came."""
        if is_older:
            self.tell_full_moment()
        self.is_complete = True

    def check_full_moment(self, moment: datetime, entries: int) -> None:
        """Find out whether the only moment of a span has more lines than came, and store that.

        An answer that also has an older line was not cut off. So ask for a part in which there is one: the
        newest that is stored from before.
        """
        before = Line.objects.filter(deployment=self.state.deployment_id, timestamp__lt=moment)
        older = before.order_by("-timestamp").values_list("timestamp", flat=True).first()
        if entries < 2 or older is None:
            return  # nothing tells that there are more
        page = self.fetch(older, moment + TICK)
        if page.lines and page.lines[-1].timestamp >= moment:
            self.tell_full_moment()

    def tell_full_moment(self) -> None:
        """Store the moment that has more lines than an answer holds, if there is one."""
        if self.full_moment:
            record_gap(self.state.deployment_id, self.full_moment[0], lines=self.full_moment[1])
            self.full_moment = None


def fetch_log_page(state: Harvest, span: Span, look: Look) -> LogPage:
    """Return the newest lines of a span, asked for with the members' keys in turn until one works.

    Raises BudgetSpent, ReadingPaused, RoboflowError, and KeyUnreadable when there is no key.
    """
    deployment = state.deployment

    def get(client: Client, secret: Secret) -> LogPage:
        return client.get_log(
            secret,
            deployment.deployment_name,
            start=span.start,
            end=span.end,
            max_entries=MAX_ENTRIES,
            attempts=2 if look.is_watched else 1,  # nobody waits: the next harvest tries again
            deadline_seconds=look.ends_at - time.monotonic(),
        )

    last_error: Exception = KeyUnreadable()
    for key in reader_keys(deployment.workspace):
        take_call(deployment.workspace_id, is_watched=look.is_watched, now=clock())
        try:
            return call_with_key(key, get, now=clock(), reading=True, background=True)
        except (KeyRefused, KeyUnreadable) as error:
            last_error = error
    raise last_error
