"""What was measured: rounds of ours and of the floor in turn, their medians, the ratio, and the goal."""

import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from portal.call_stack import call_with_room

ROUNDS = int(os.environ.get("BENCH_ROUNDS", 9))
LEAST_SECONDS = 0.02  # of one measurement: shorter jobs are repeated within it


@dataclass
class Measure:
    """One line of the table. Times are in milliseconds; `ratio` is ours to the floor, or a plain figure."""

    database: str
    name: str
    floor: str
    goal: float
    ours_ms: list[float] = field(default_factory=list)
    floor_ms: list[float] = field(default_factory=list)
    figure: float | None = None
    unit: str = "x"
    at_least: bool = False  # a larger figure is better

    @property
    def ratio(self) -> float:
        """Ours to the floor: the median of the rounds' own ratios."""
        if self.figure is not None:
            return self.figure
        return statistics.median(
            ours / floor for ours, floor in zip(self.ours_ms, self.floor_ms, strict=True)
        )

    @property
    def spread(self) -> str:
        """The quartiles of the ratio."""
        if self.figure is not None or len(self.ours_ms) < 4:
            return ""
        ratios = [ours / floor for ours, floor in zip(self.ours_ms, self.floor_ms, strict=True)]
        low, _, high = statistics.quantiles(ratios, n=4)
        return f"{low:.2f}-{high:.2f}"

    @property
    def is_met(self) -> bool:
        """Whether the goal is reached."""
        return self.ratio >= self.goal if self.at_least else self.ratio <= self.goal


def seconds_of(job: Callable[[], Any], times: int) -> float:
    """Return the seconds of processor and waiting that one run of a job takes, over so many runs."""
    started = time.perf_counter()
    for _ in range(times):
        call_with_room(job)  # as each request, task and command has
    return (time.perf_counter() - started) / times


def compare(
    measure: Measure, ours: Callable[[], Any], floor: Callable[[], Any], *, rounds: int = ROUNDS
) -> Measure:
    """Run both in turn, after one run of each that does not count."""
    times = {}
    for job in (ours, floor):
        job()
        once = seconds_of(job, 1)
        times[job] = max(1, min(50, int(LEAST_SECONDS / max(once, 1e-6))))
    for number in range(rounds):
        for job, found in ((ours, measure.ours_ms), (floor, measure.floor_ms))[:: 1 if number % 2 else -1]:
            found.append(1000 * seconds_of(job, times[job]))
    return measure


def late(values: list[float]) -> float:
    """Return the 95th percentile."""
    return statistics.quantiles(values, n=20)[-1]


def table_of(measures: list[Measure]) -> str:
    """Return the measures as a Markdown table; a figure that misses its goal is marked with *missed*."""
    lines = [
        "| database | what | ours | floor | ratio | spread | goal | |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for one in measures:
        ours = f"{statistics.median(one.ours_ms):.2f} ms" if one.ours_ms else ""
        floor = f"{statistics.median(one.floor_ms):.2f} ms: {one.floor}" if one.floor_ms else one.floor
        sign, word = "at least" if one.at_least else "at most", "" if one.is_met else "*missed*"
        lines.append(
            f"| {one.database} | {one.name} | {ours} | {floor} | {one.ratio:.3g} {one.unit} | {one.spread}"
            f" | {sign} {one.goal:g} | {word} |"
        )
    return "\n".join(lines)


def machine() -> str:
    """Return what the machine is, for the head of a report."""
    model = next(
        (
            line.split(":")[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.processor(),
    )
    return f"{os.cpu_count()} processors ({model}), {platform.system()}, Python {platform.python_version()}"


def write_json(measures: list[Measure], path: Path) -> None:
    """Add the measures to a JSON file, in place of those of the same database."""
    databases = {one.database for one in measures}
    kept = []
    if path.exists():
        kept = [one for one in json.loads(path.read_text())["measures"] if one["database"] not in databases]
    found = [
        {**vars(one), "ratio": round(one.ratio, 3), "spread": one.spread, "is_met": one.is_met}
        for one in measures
    ]
    path.write_text(json.dumps({"machine": machine(), "measures": [*kept, *found]}, indent=1) + "\n")
