"""Draws how costs grow: `python -m tests.benchmarks.chart var/growth.json docs/growth.svg`."""

import json
import math
import sys
from html import escape
from pathlib import Path
from typing import Any

COLUMNS, WIDTH, HEIGHT = 4, 250, 150
LEFT, RIGHT, TOP, BOTTOM = 30, 30, 46, 26
STYLE = (
    "text{font:12px system-ui,sans-serif;fill:#333}.title{font-weight:600}.small{font-size:10px;fill:#666}"
    "path{fill:none;stroke:#5b4bd1;stroke-width:2}circle{fill:#5b4bd1}line{stroke:#ddd}"
)


def short(number: float) -> str:
    """Return 12_000 as "12k", and a time in milliseconds with two digits that count."""
    if number >= 1_000_000:
        return f"{number / 1_000_000:g}M"
    if number >= 1000:
        return f"{number / 1000:.3g}k"
    return f"{number:.2g}" if number < 10 else f"{number:.0f}"


def panel(name: str, points: list[tuple[float, float]], unit: str, number: int) -> str:
    """Return the chart of one cost; both axes are logarithmic, and all panels have the same scale."""
    x0, y0 = number % COLUMNS * WIDTH, number // COLUMNS * HEIGHT + 40
    sizes = [math.log10(size) for size, _ in points]
    low, high = sizes[0], max(sizes[-1], sizes[0] + 1)
    decades = 4.0  # of each panel, so that a slope means the same in all
    least = math.floor(min(math.log10(cost) for _, cost in points) * 2) / 2
    room_x, room_y = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
    places = [
        (
            x0 + LEFT + room_x * (math.log10(size) - low) / (high - low),
            y0 + TOP + room_y * (1 - min(1, (math.log10(cost) - least) / decades)),
        )
        for size, cost in points
    ]
    path = " ".join(f"{'L' if index else 'M'}{x:.1f} {y:.1f}" for index, (x, y) in enumerate(places))
    base = y0 + HEIGHT - BOTTOM
    parts = [
        f'<text class="title" x="{x0 + LEFT}" y="{y0 + 16}">{escape(name)}</text>',
        f'<line x1="{x0 + LEFT}" x2="{x0 + WIDTH - RIGHT}" y1="{base}" y2="{base}"/>',
        f'<path d="{path}"/>',
    ]
    for (x, y), (size, cost) in zip(places, points, strict=True):
        parts += [
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3"/>',
            f'<text text-anchor="middle" x="{x:.1f}" y="{y - 8:.1f}">{short(cost)}{unit}</text>',
            f'<text class="small" text-anchor="middle" x="{x:.1f}" y="{base + 14}">{short(size)}</text>',
        ]
    return "".join(parts)


def chart(data: dict[str, Any]) -> str:
    """Return the SVG of all runs."""
    runs = sorted(data["runs"], key=lambda run: run["sizes"]["deployments"])
    names = [name for name in runs[0]["milliseconds"] if "open tabs" not in name]
    panels = [
        (name, [(run["sizes"]["deployments"], run["milliseconds"][name]) for run in runs], " ms")
        for name in names
    ]
    tabs = {
        int(name.split()[0]): cost / 10
        for name, cost in runs[-1]["milliseconds"].items()
        if "open tabs" in name
    }
    panels.append(("Open tabs: share of a processor", sorted(tabs.items()), " %"))
    height = 40 + HEIGHT * math.ceil(len(panels) / COLUMNS)
    sizes = ", ".join(
        f"{short(run['sizes']['deployments'])} deployments with {short(run['sizes']['events'])} entries and"
        f" {short(run['sizes']['lines'])} log lines"
        for run in runs
    )
    drawn = "".join(panel(*one, number) for number, one in enumerate(panels))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {COLUMNS * WIDTH} {height}" role="img">'
        f"<title>How costs grow with the number of deployments</title><desc>{escape(sizes)}</desc>"
        f"<style>{STYLE}</style>"
        f'<rect width="100%" height="100%" fill="#fff"/>'
        f'<text x="16" y="24">Median milliseconds, by the number of deployments'
        f" ({runs[0]['sizes']['database']}); both axes are logarithmic, and alike everywhere</text>"
        f"{drawn}</svg>\n"
    )


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(chart(json.loads(Path(sys.argv[1]).read_text())))
