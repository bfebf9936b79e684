"""A long campaign: `make faults RUNS=200 SEED=1`. It exits with 1 when an invariant does not hold.

With DATABASE=compose it runs against the containers of docker-compose.yml, two of web and of each worker.
"""

import os
import random
import shutil
import sys
import tempfile
from collections import Counter
from contextlib import suppress
from pathlib import Path
from statistics import median

from tests.faults.campaign import Outcome, run
from tests.faults.composed.portal import ComposedPortal
from tests.faults.composed.strikes import STRIKES as COMPOSED_STRIKES
from tests.faults.invariants import find_keys
from tests.faults.machine import MachineWatch
from tests.faults.running_portal import RunningPortal
from tests.faults.strike import Strike
from tests.faults.strikes import strikes_on
from tests.faults.truth import find_delays

PROGRESS_EVERY = 10  # runs


def main() -> int:
    """Run a campaign by RUNS, SEED, DATABASE and ONLY (part of a strike's name); print a table."""
    runs, seed = int(os.environ.get("RUNS") or 200), int(os.environ.get("SEED") or random.randrange(10**6))
    database, only = os.environ.get("DATABASE") or "sqlite", os.environ.get("ONLY", "")
    is_composed = database == "compose"
    possible = COMPOSED_STRIKES if is_composed else strikes_on(database)
    strikes = [one for one in possible if only in one.name]
    outcomes: list[Outcome] = []
    machine = MachineWatch()
    print(f"{runs} runs on {database}, SEED={seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        home = Path(folder) / "home"
        running = ComposedPortal(home) if is_composed else RunningPortal(home, database)
        try:
            with suppress(KeyboardInterrupt):  # Ctrl-C ends the campaign, with the table of what has run
                for number in range(runs):
                    outcome = run(running, strikes[number % len(strikes)], seed=seed + number)
                    report(number, seed + number, outcome)
                    if outcome.broken and (disturbed := machine.take()):
                        print(f"run {number} is not counted: {', '.join(disturbed)}", flush=True)
                        continue
                    outcomes.append(outcome)
                    machine.take()
            keys_found = find_keys(running)
            print_table(outcomes, possible)
            print_totals(running, outcomes, keys_found)
        finally:
            keep_files_of_broken_runs(home, outcomes)
            running.stop()
    return 1 if keys_found or any(one.broken for one in outcomes) else 0


def report(number: int, seed: int, outcome: Outcome) -> None:
    """Print what does not hold after a run, and now and then how many there were."""
    for sentence in outcome.broken:
        print(f"run {number}, seed {seed}, {outcome.strike}: {sentence}", flush=True)
    if number % PROGRESS_EVERY == PROGRESS_EVERY - 1:
        print(f"{number + 1} runs", flush=True)


def keep_files_of_broken_runs(home: Path, outcomes: list[Outcome]) -> None:
    """Copy logs and database to a folder that stays, if an invariant did not hold."""
    if any(one.broken for one in outcomes):
        kept = Path(tempfile.mkdtemp(prefix="faults-broken-"))
        left_out = shutil.ignore_patterns("static", "secrets", "*.sock")
        shutil.copytree(home, kept, dirs_exist_ok=True, ignore=left_out)
        print(f"kept in {kept}", flush=True)


def print_table(outcomes: list[Outcome], possible: list[Strike]) -> None:
    """Print for each strike: runs, runs in which all invariants held, seconds to rest."""
    print("| fault | runs | all invariants held | seconds to rest: median, longest |\n|---|---:|---:|---:|")
    for strike in possible:
        if of_strike := [one for one in outcomes if one.strike == strike.name]:
            print_row(strike.name, of_strike)
    print_row("all", outcomes)


def print_row(name: str, outcomes: list[Outcome]) -> None:
    """Print one row of the table."""
    seconds = [one.seconds for one in outcomes]
    held = sum(not one.broken for one in outcomes)
    print(f"| {name} | {len(outcomes)} | {held} | {median(seconds):.1f}, {max(seconds):.1f} |")


def print_totals(running: RunningPortal, outcomes: list[Outcome], keys_found: list[str]) -> None:
    """Print what the campaign did in all."""
    states = Counter(f"{one['kind']} {one['state']}" for one in running.operations())
    listed = ", ".join(f"{number} {state}" for state, number in sorted(states.items()))
    print(f"{states.total()} operations, {len(running.journal())} changes at Roboflow: {listed}")
    print(f"slowest click {running.slowest_click_seconds:.2f} s; {len(keys_found)} keys found in files")
    rates = [one.reads_per_second for one in outcomes if not one.broken] or [0.0]
    print(f"reads of Roboflow each second: median {median(rates):.2f}, most in a run {max(rates):.2f}")
    if delays := find_delays(running):
        told = f"median {median(delays):.1f} s, latest {max(delays):.1f} s"
        print(f"{len(delays)} changes from outside that lasted are in the trail after: {told}")


if __name__ == "__main__":
    sys.exit(main())
