"""The campaign at length: `make faults RUNS=200 SEED=1`. Prints a table; exit code 1 when an invariant broke."""

import os
import random
import sys
import tempfile
from collections import Counter
from pathlib import Path
from statistics import median

from tests.faults.campaign import Outcome, run
from tests.faults.field import Field
from tests.faults.invariants import leaked
from tests.faults.strikes import STRIKES


def main() -> int:
    """Run and print."""
    runs, seed = int(os.environ.get("RUNS") or 200), int(os.environ.get("SEED") or random.randrange(10**6))
    outcomes: list[Outcome] = []
    print(f"{runs} runs, SEED={seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        field = Field(Path(folder) / "home")
        try:
            for number in range(runs):
                outcomes.append(one := run(field, STRIKES[number % len(STRIKES)], seed=seed + number))
                for words in one.broken:
                    print(f"run {number}, seed {seed + number}, {one.strike}: {words}", flush=True)
            leaks = leaked(field)
            states = Counter(f"{one['kind']} {one['state']}" for one in field.operations())
            changes = len(field.journal())
        finally:
            field.stop()
    table(outcomes)
    print(f"{sum(states.values())} operations, {changes} changes at Roboflow: {', '.join(f'{count} {what}' for what, count in sorted(states.items()))}")
    print(f"slowest click {field.slowest_click:.2f} s; {len(leaks)} keys found in files")
    return 1 if leaks or any(one.broken for one in outcomes) else 0


def table(outcomes: list[Outcome]) -> None:
    """Print fault, runs, runs in which all invariants held, seconds to rest."""
    print("| fault | runs | all invariants held | seconds to rest: median, longest |\n|---|---:|---:|---:|")
    for strike in STRIKES:
        of = [one for one in outcomes if one.strike == strike.name]
        if of:
            times = [one.seconds for one in of]
            print(f"| {strike.name} | {len(of)} | {sum(not one.broken for one in of)} | {median(times):.1f}, {max(times):.1f} |")
    print(
        f"| all | {len(outcomes)} | {sum(not one.broken for one in outcomes)} | {median([one.seconds for one in outcomes]):.1f}, {max(one.seconds for one in outcomes):.1f} |"
    )


if __name__ == "__main__":
    sys.exit(main())
