"""The campaign at length: `make faults RUNS=200 SEED=1`. Prints a table; exit code 1 when an invariant broke."""

import os
import random
import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path
from statistics import median

from tests.faults.campaign import Outcome, run
from tests.faults.field import Field
from tests.faults.invariants import leaked
from tests.faults.strikes import STRIKES, strikes_on


def main() -> int:
    """Run and print."""
    runs, seed = int(os.environ.get("RUNS") or 200), int(os.environ.get("SEED") or random.randrange(10**6))
    database = os.environ.get("DATABASE") or "sqlite"
    strikes = [one for one in strikes_on(database) if os.environ.get("ONLY", "") in one.name]
    outcomes: list[Outcome] = []
    print(f"{runs} runs on {database}, SEED={seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        field = Field(Path(folder) / "home", database)
        try:
            for number in range(runs):
                outcomes.append(one := run(field, strikes[number % len(strikes)], seed=seed + number))
                for words in one.broken:
                    print(f"run {number}, seed {seed + number}, {one.strike}: {words}", flush=True)
            leaks = leaked(field)
            states = Counter(f"{one['kind']} {one['state']}" for one in field.operations())
            changes = len(field.journal())
        finally:
            keep(Path(folder) / "home", outcomes)
            field.stop()
    table(outcomes)
    print(
        f"{sum(states.values())} operations, {changes} changes at Roboflow: {', '.join(f'{count} {what}' for what, count in sorted(states.items()))}"
    )
    print(f"slowest click {field.slowest_click:.2f} s; {len(leaks)} keys found in files")
    return 1 if leaks or any(one.broken for one in outcomes) else 0


def keep(home: Path, outcomes: list[Outcome]) -> None:
    """Keep logs and database of a campaign that broke something, to be looked into."""
    if any(one.broken for one in outcomes):
        kept = Path(tempfile.mkdtemp(prefix="faults-broken-"))
        shutil.copytree(
            home, kept, dirs_exist_ok=True, ignore=shutil.ignore_patterns("static", "secrets", "*.sock")
        )
        print(f"kept in {kept}", flush=True)


def table(outcomes: list[Outcome]) -> None:
    """Print fault, runs, runs in which all invariants held, seconds to rest."""
    print("| fault | runs | all invariants held | seconds to rest: median, longest |\n|---|---:|---:|---:|")
    for strike in STRIKES:
        of = [one for one in outcomes if one.strike == strike.name]
        if of:
            times = [one.seconds for one in of]
            print(
                f"| {strike.name} | {len(of)} | {sum(not one.broken for one in of)} | {median(times):.1f}, {max(times):.1f} |"
            )
    print(
        f"| all | {len(outcomes)} | {sum(not one.broken for one in outcomes)} | {median([one.seconds for one in outcomes]):.1f}, {max(one.seconds for one in outcomes):.1f} |"
    )


if __name__ == "__main__":
    sys.exit(main())
