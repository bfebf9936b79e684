"""`make mutants ROOM=fleet`: change one place of the room at a time, and print what its tests miss."""

import os
import random
import sys
from collections import Counter, defaultdict
from concurrent.futures import ProcessPoolExecutor
from importlib import import_module
from itertools import chain, zip_longest
from multiprocessing import get_context
from pathlib import Path

from tests.mutants.mutate import Mutant, mutants_of
from tests.mutants.session import run_mutants

PROCESSES = 2
ENDS = ("killed", "timeout", "survived", "not run", "not applied")


def main() -> int:
    """Run the mutants of ROOM and print the report; return the exit code."""
    room, only = os.environ.get("ROOM", ""), os.environ.get("ONLY", "")
    folders = [one for one in (Path("deployments") / room, Path("portal") / room) if room and one.is_dir()]
    if not folders:
        print(f"There is no room {room!r}. Say which one: make mutants ROOM=fleet")
        return 1
    folder, tests = folders[0], (os.environ.get("TESTS") or f"tests/{room}").split()
    mutants = mutants_of(folder, only)
    print(f"{len(mutants)} mutants of {folder}, tested by {' '.join(tests)}", flush=True)
    mutants = random_sample(mutants, int(os.environ.get("SAMPLE") or 0), os.environ.get("SEED", ""))
    import_module("tests.environment")  # what all processes share
    with ProcessPoolExecutor(PROCESSES, get_context("spawn")) as pool:
        shares = [mutants[number::PROCESSES] for number in range(PROCESSES)]
        futures = [pool.submit(run_mutants, share, tests, f"gw{n}") for n, share in enumerate(shares)]
        ends = [one for one in chain(*zip_longest(*(future.result() for future in futures))) if one]
    report(list(zip(mutants, ends, strict=True)))
    return 0


def random_sample(mutants: list[Mutant], size: int, seed: str) -> list[Mutant]:
    """Return `size` of the mutants in their order, or all when `size` is 0. Print the seed."""
    if not size or size >= len(mutants):
        return mutants
    seed = seed or str(random.randrange(10_000))
    print(f"A random sample of {size} of them: SAMPLE={size} SEED={seed} repeats it", flush=True)
    chosen = sorted(random.Random(seed).sample(range(len(mutants)), size))
    return [mutants[number] for number in chosen]


def report(mutants: list[tuple[Mutant, str]]) -> None:
    """Print the survivors, the lines that no test runs, and a table by file."""
    missed, counts = defaultdict(set), defaultdict(Counter)
    for mutant, end in mutants:
        counts[mutant.path][end] += 1
        if end == "survived":
            print(mutant.diff())
        if end == "not run":
            missed[mutant.path].add(mutant.line)
    print("\nLines that none of these tests runs:")
    for path, lines in missed.items():
        print(f"    {path}: {', '.join(map(str, sorted(lines)))}")
    counts["all"] = sum(counts.values(), Counter())
    print(f"\n| file | mutants | {' | '.join(ENDS)} |\n|---|{'---:|' * (len(ENDS) + 1)}")
    for path, found in counts.items():
        print(f"| {path} | {found.total()} | {' | '.join(str(found[end]) for end in ENDS)} |")


if __name__ == "__main__":
    sys.exit(main())
