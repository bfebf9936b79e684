"""The strikes that `make test` tries, once each, and what must hold afterwards.

`make faults` tries them many times, on the database that you choose, with other seeds.
"""

import os

from tests.faults.campaign import run
from tests.faults.invariants import find_keys
from tests.faults.running_portal import RunningPortal
from tests.faults.strike import Strike
from tests.faults.strikes import strikes_on

SEED = int(os.environ.get("SEED") or 2100)
SLOWEST_CLICK_SECONDS = 3  # promise I15
AT_THE_DATABASE = (  # how the names of strikes begin at which transactions meet or are cut off
    "two ",
    "web killed",
    "worker",
    "database",
    "role",
    "lists:",
    "lists in",
    "lists lag",
    "restored",
)


def quick_strikes(database: str) -> list[Strike]:
    """Return the strikes to try on a database: on PostgreSQL those that meet it, on SQLite the others."""
    return [
        strike
        for strike in strikes_on(database)
        if not strike.is_long
        and (strike.only or strike.name.startswith(AT_THE_DATABASE) == (database == "postgresql"))
    ]


def assert_invariants_hold(running: RunningPortal, strike: Strike) -> None:
    """Strike once, and check every invariant."""
    print(f"SEED={SEED}")
    outcome = run(running, strike, seed=SEED)

    assert outcome.broken == []
    assert find_keys(running) == []
    assert running.slowest_click_seconds < SLOWEST_CLICK_SECONDS  # timed while web is up, whatever is broken
