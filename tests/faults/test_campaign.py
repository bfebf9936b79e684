"""Each strike hits once, on PostgreSQL too where it meets the database, and every invariant holds afterwards.

`make faults` does it many times, with other seeds.
"""

import os

import pytest

from tests.faults.campaign import run
from tests.faults.invariants import find_keys
from tests.faults.running_portal import DATABASES, RunningPortal
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
pytestmark = pytest.mark.processes
_running: dict[str, RunningPortal] = {}


@pytest.fixture(scope="module", autouse=True)
def stop_portals():
    """Stop the portals at the end; the first strike at a database starts its portal."""
    yield
    for running in _running.values():
        running.stop()
    _running.clear()


def is_quick_test(database, strike):
    """Say whether `make test` tries the strike on the database."""
    meets_database = strike.only or strike.name.startswith(AT_THE_DATABASE)
    return not strike.is_long and (database == "sqlite" or meets_database)


CASES = [
    pytest.param(
        database,
        strike,
        marks=pytest.mark.xdist_group(f"faults-{database}"),
        id=f"{database}-{strike.name.replace(' ', '-')}",
    )
    for database in DATABASES
    for strike in strikes_on(database)
    if is_quick_test(database, strike)
]


@pytest.mark.parametrize(("database", "strike"), CASES)
def test_all_invariants_hold_when(database, strike, tmp_path_factory):
    print(f"SEED={SEED}")
    if database not in _running:
        home = tmp_path_factory.mktemp(f"faults-{database}") / "home"
        _running[database] = RunningPortal(home, database)
    running = _running[database]

    outcome = run(running, strike, seed=SEED)

    assert outcome.broken == []
    assert find_keys(running) == []
    assert running.slowest_click_seconds < SLOWEST_CLICK_SECONDS  # timed while web is up, whatever is broken
