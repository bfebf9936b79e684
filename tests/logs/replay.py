"""A Roboflow that plays a day of one log in simulated time, with what makes logs hard to keep."""

import bisect
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from deployments.keys.regions import record_clock
from deployments.roboflow.errors import Unavailable
from deployments.roboflow.schema import LogLine, LogPage
from portal.clock import now as clock

PREFIX = "the-first-hundred-characters-of-all-ids-agree-" + "x" * 100
START = datetime(2026, 1, 31, tzinfo=UTC)


class Killed(BaseException):
    """The worker process was killed here."""


@dataclass
class Replay:
    """A log that grows while `at`, the true time, goes on."""

    seed: int
    lines_of_a_day: int
    latest: timedelta = timedelta(minutes=10)  # after its timestamp, a line may appear so late
    most_equal: int = 30  # lines with one timestamp
    caps: tuple[int, ...] = (1000, 300, 60)  # lines in an answer; another one each hour
    failures: float = 0.0  # the share of calls that fail
    kills: float = 0.0  # the share of calls in which the worker is killed
    ahead: timedelta = timedelta(0)  # Roboflow's clock minus the true time
    at: datetime = START
    calls: int = 0
    entries: list[tuple[datetime, datetime, LogLine]] = field(default_factory=list)  # time, appears at, line

    def __post_init__(self):
        self.random = random.Random(self.seed)

    def write(self, minute: datetime):
        """Write the lines of one minute, which begins at the true time `minute`."""
        rng, count = self.random, self.lines_of_a_day / 1440
        count = int(count * rng.choice((0, 0.2, 0.5, 1, 1, 2.3)) + rng.random())
        while count > 0:
            moment = minute + timedelta(microseconds=rng.randrange(60_000_000))
            equal = rng.choice((1, 1, 1, 2, min(count, self.most_equal)))
            for _ in range(equal):
                late = rng.choice((0, 0, 0, 5, 50, rng.random() * self.latest.total_seconds()))
                line = LogLine(f"{PREFIX}{len(self.entries)}", moment + self.ahead, "INFO", f"line {moment}")
                self.entries.append((line.timestamp, moment + timedelta(seconds=late), line))
            count -= equal

    def write_first(self):
        """Write a line alone at the very start, so that every other moment has an older one."""
        self.entries.append((START, START, LogLine(f"{PREFIX}first", START + self.ahead, "INFO", "first")))

    def fetch_log_page(self, state, span, look):
        """Answer as Roboflow does: the newest lines of the span, as many as one answer holds."""
        self.calls += 1
        if self.random.random() < self.kills:
            raise Killed
        if self.random.random() < self.failures:
            raise Unavailable("HTTP 503", endpoint="/get_log", method="GET")
        record_clock("us", (self.at + self.ahead - clock()).total_seconds(), now=clock())
        self.entries.sort(key=lambda entry: entry[0])
        first = bisect.bisect_left(self.entries, span.start, key=lambda entry: entry[0])
        last = bisect.bisect_right(self.entries, span.end, key=lambda entry: entry[0])
        there = [line for _, appears, line in self.entries[first:last] if appears <= self.at]
        cap = self.caps[self.at.hour % len(self.caps)]
        return LogPage(there[::-1][:cap], [])

    @property
    def ids(self):
        """The ids of all lines that were written."""
        return {line.insert_id for *_, line in self.entries}
