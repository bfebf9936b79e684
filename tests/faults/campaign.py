"""One run of a campaign: people ask for four changes, a strike comes and ends, every invariant must hold."""

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count

from tests.faults.invariants import find_broken
from tests.faults.running_portal import CONFIRM_SECONDS, RunningPortal
from tests.faults.strike import Strike

REST_SECONDS = CONFIRM_SECONDS + 60  # promise I4
FEW_DEPLOYMENTS = 6  # with fewer, none is deleted: later runs need some
_numbers = count()


@dataclass(frozen=True)
class Outcome:
    """The result of a run: the seconds from the end of the strike to rest, and what does not hold."""

    strike: str
    seconds: float
    broken: list[str]


def run(running: RunningPortal, strike: Strike, *, seed: int) -> Outcome:
    """Ask for four changes and strike once, before one of them; `seed` decides which changes and when."""
    rng = random.Random(seed)
    changes = choose_changes(running, rng)
    struck_place = rng.randrange(len(changes))
    heal = None
    try:
        for place, ask in enumerate(changes):
            if place == struck_place:
                heal = strike.act(running, rng)
                timer = threading.Timer(rng.uniform(*strike.lasts_seconds), heal)
                timer.start()
            ask()
            time.sleep(rng.uniform(0, 0.5))
        timer.join()
        seconds = running.wait_for_rest(seconds=REST_SECONDS)
    except AssertionError as error:
        return Outcome(strike.name, REST_SECONDS, [f"I4/I6: {error}"])
    finally:
        if heal:
            heal()
    return Outcome(strike.name, seconds, find_broken(running))


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
