"""What a strike is: it breaks one part of a running portal and returns the function that ends the fault."""

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass

from tests.faults.database import Heal
from tests.faults.running_portal import RunningPortal

Act = Callable[[RunningPortal, random.Random], Heal]


@dataclass(frozen=True)
class Strike:
    """One kind of fault: `act` starts it; it lasts a random time between the two of `lasts_seconds`.

    Only Roboflow and clocks are struck while a portal `stays_ready`. In a run with `watched_log` somebody has
    a log open all the time; in the others, sometimes.
    """

    name: str
    act: Act
    lasts_seconds: tuple[float, float] = (0.5, 2.5)
    only: str = ""  # the only database that it can strike; empty: both
    is_long: bool = False  # left out by `make test`
    stays_ready: bool = False
    watched_log: bool = False
    is_clock_wrong: bool = False  # that of the portal: the times that it writes prove nothing


def nothing() -> None:
    """Do nothing: the fault ends by itself, or the supervisor ends it."""


def once(heal: Heal) -> Heal:
    """Return a function that calls `heal` the first time and does nothing later."""
    left = [heal]
    return lambda: left.pop()() if left else None


def in_background(strike: Callable[[], None], *, then: Callable[[], object]) -> Heal:
    """Run `strike` in a thread, beside the clicks. The result waits for its end, then calls `then`."""
    thread = threading.Thread(target=strike, daemon=True)
    thread.start()

    def heal() -> None:
        thread.join()
        then()

    return heal
