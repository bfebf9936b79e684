"""One run of a campaign: people ask for four changes, a strike comes and ends, every invariant must hold."""

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count

from tests.faults.invariants import find_broken
from tests.faults.running_portal import CONFIRM_SECONDS, RunningPortal
from tests.faults.strike import Strike
from tests.faults.truth import find_untrue
from tests.faults.watch import Watch

REST_SECONDS = CONFIRM_SECONDS + 60  # promise I4
FEW_DEPLOYMENTS = 6  # with fewer, none is deleted: later runs need some
LOG_IS_OPEN = 0.4  # the share of runs in which somebody has a log open, for any strike
LOG_SECONDS = 4  # the log is read on for so long: at most every 3 s
_numbers = count()


@dataclass(frozen=True)
class Outcome:
    """The result of a run: the seconds from the end of the strike to rest, and what does not hold."""

    strike: str
    seconds: float
    broken: list[str]
    reads_per_second: float = 0.0  # of Roboflow, by the portal


def run(running: RunningPortal, strike: Strike, *, seed: int) -> Outcome:
    """Ask for four changes and strike once, before one of them; `seed` decides which changes and when."""
    rng = random.Random(seed)
    changes = choose_changes(running, rng)
    is_log_open = rng.random() < LOG_IS_OPEN or strike.watched_log
    watch = Watch(running, rng, stays_ready=strike.stays_ready, is_log_open=is_log_open)
    try:
        with timed_by_test(running) if strike.is_clock_wrong else nullcontext(), watch:
            seconds = act_and_rest(running, strike, changes, rng)
            if is_log_open:
                time.sleep(LOG_SECONDS)
    except AssertionError as error:
        return Outcome(strike.name, REST_SECONDS, [f"I4/I6: {error}", *watch.broken])
    broken = [*find_broken(running), *find_untrue(running, watch)]
    return Outcome(strike.name, seconds, broken, watch.reads_per_second())


def act_and_rest(
    running: RunningPortal, strike: Strike, changes: list[Callable[[], None]], rng: random.Random
) -> float:
    """Ask, strike, ask on, heal, and return the seconds until rest."""
    struck_place, heal = rng.randrange(len(changes)), None
    try:
        for place, ask in enumerate(changes):
            if place == struck_place:
                heal = strike.act(running, rng)
                timer = threading.Timer(rng.uniform(*strike.lasts_seconds), heal)
                timer.start()
            ask()
            time.sleep(rng.uniform(0, 0.5))
        timer.join()
        return running.wait_for_rest(seconds=REST_SECONDS)
    finally:
        if heal:
            heal()


@contextmanager
def timed_by_test(running: RunningPortal) -> Iterator[None]:
    """Take the times of the operations of this block from the test: the portal's clock is wrong meanwhile."""
    before, started = {one["id"] for one in running.operations()}, datetime.now(tz=UTC).isoformat()
    try:
        yield
    finally:
        ended = datetime.now(tz=UTC).isoformat()
        new = {one["id"] for one in running.operations()} - before
        running.real_times |= dict.fromkeys(new, (started, ended))


def choose_changes(running: RunningPortal, rng: random.Random) -> list[Callable[[], None]]:
    """Return four functions in random order that ask for a create and for changes of three deployments."""
    name = f"run{next(_numbers):04d}x"
    deployments = rng.sample(running.changeable(), k=3)
    kinds = [choose_kind(one["status"], rng) for one in deployments]
    if len(running.changeable()) < FEW_DEPLOYMENTS:
        kinds = ["resume" if one["status"] == "paused" else "pause" for one in deployments]
    changes = [
        lambda one=one, kind=kind: running.change(one, kind)
        for one, kind in zip(deployments, kinds, strict=True)
    ]
    changes.append(lambda: running.create(name))
    rng.shuffle(changes)
    return changes


def choose_kind(status: str, rng: random.Random) -> str:
    """Return a kind of change that a deployment with this status allows."""
    return rng.choice(("resume", "delete") if status == "paused" else ("pause", "pause", "delete"))
