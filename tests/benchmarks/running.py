"""What a running portal costs at rest, and how soon it shows a click (make bench-running).

It starts portals of its own, with the sandbox as Roboflow, and looks at them from outside and in Chromium.
"""

import os
import re
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
from playwright.sync_api import Page, sync_playwright

from tests import chromium
from tests.benchmarks.report import Measure, late, machine, table_of, write_json
from tests.portal_process import PortalProcess, children_of
from tests.tools.shots import WORKSPACE, sign_in

KIND = "running"  # in place of a database: these portals have SQLite
SETTLE_SECONDS, REST_SECONDS = 240, 120
PAUSES, LOADS = 40, 9
FLEET_SIZE = 100

# Clicks the button of a row. Tells after how many milliseconds its status changed, and was the wanted one.
CLICK = """([name, wanted]) => new Promise((done) => {
  const rows = () => [...document.querySelectorAll("tr[data-deployment]")];
  const find = () => rows().find((row) => row.textContent.includes(name));
  const textOf = (row) => row.querySelector(".status").textContent.trim();
  const before = textOf(find()), started = performance.now(), times = {};
  const observer = new MutationObserver(() => {
    const text = textOf(find());
    if (text !== before) times.shown ??= performance.now() - started;
    if (text === wanted) { observer.disconnect(); done({ ...times, done: performance.now() - started }); }
  });
  observer.observe(document.body, { subtree: true, childList: true, characterData: true });
  find().querySelector(".act").click();
})"""

# Before a page loads: sum up what its reader waits for and what moves.
WATCH = """
  window.found = { tasks: 0, shift: 0 };
  new PerformanceObserver((list) => { for (const one of list.getEntries()) found.tasks += one.duration; })
    .observe({ type: "longtask", buffered: true });
  new PerformanceObserver((list) => { for (const one of list.getEntries()) found.shift += one.value; })
    .observe({ type: "layout-shift", buffered: true });
"""
LOADED = """() => ({
  ...window.found,
  paint: performance.getEntriesByName("first-contentful-paint")[0].startTime
    - performance.getEntriesByType("navigation")[0].responseStart,
})"""
# The same facts without styles and scripts.
BARE = """() => {
  const more = `<td><a href="/x/">Open</a> <button>Pause</button> <time>now</time></td>`;
  const row = (cells) => `<tr>${cells}${more}</tr>`;
  const rows = [...document.querySelectorAll("#fleet-table tbody tr")];
  const cells = (one) => [...one.cells].map((cell) => `<td>${cell.innerText}</td>`).join("");
  return `<!doctype html><html><body><table>${rows.map(cells).map(row).join("")}</table></body></html>`;
}"""


@contextmanager
def running_portal(**environment: str) -> Iterator[PortalProcess]:
    """Start a demo for the block."""
    with tempfile.TemporaryDirectory() as folder:
        portal = PortalProcess(Path(folder) / "demo", **environment).start()
        try:
            yield portal
        finally:
            portal.stop()


@contextmanager
def open_browser(portal: PortalProcess) -> Iterator[Page]:
    """Return a page in which Ana is signed in."""
    with sync_playwright() as playwright:
        browser = chromium.launch(playwright)
        page = browser.new_context(base_url=portal.url).new_page()
        sign_in(page)
        yield page


def measure_rest() -> list[Measure]:
    """Measure all processes of a portal that nobody looks at, once nothing moves any more."""
    with running_portal() as portal:
        time.sleep(SETTLE_SECONDS)
        processes = family_of(portal.process.pid)
        before = sum(map(processor_seconds, processes))
        time.sleep(REST_SECONDS)
        share = (sum(map(processor_seconds, processes)) - before) / REST_SECONDS
        memory = sum(map(proportional_mb, processes))
    return [
        Measure(KIND, "At rest, all processes", "", 1.5, figure=100 * share, unit="% of a processor"),
        Measure(KIND, "At rest, all processes", "", 500, figure=memory, unit="MB (PSS)"),
    ]


def family_of(pid: int) -> list[int]:
    """Return a process and all that descend from it."""
    return [pid, *(one for child in children_of(pid) for one in family_of(child))]


def processor_seconds(pid: int) -> float:
    """Return how long the threads of a process have run so far."""
    threads = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((one / "schedstat").read_text().split()[0]) for one in threads) / 1e9


def proportional_mb(pid: int) -> float:
    """Return the memory of a process; what several share counts in equal parts."""
    found = re.search(r"^Pss:\s+(\d+)", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
    assert found
    return int(found[1]) / 1024


def measure_clicks() -> list[Measure]:
    """Pause a deployment again and again, at a Roboflow that does at once what it is asked for."""
    fast = {"SANDBOX_TRANSITION_SECONDS": "0", "SANDBOX_BOOT_SECONDS": "0"}
    shown, done = [], []
    with running_portal(**fast) as portal, open_browser(portal) as page:
        page.goto(WORKSPACE)
        for _ in range(PAUSES):
            times = page.evaluate(CLICK, ["line-3-inspect", "Paused"])
            shown.append(times["shown"])
            done.append(times["done"])
            page.wait_for_timeout(1500)
            page.evaluate(CLICK, ["line-3-inspect", "Ready"])
            page.wait_for_timeout(1500)
    return [
        Measure(KIND, "A click until the row tells of it, p95", "", 600, figure=late(shown), unit="ms"),
        Measure(KIND, "A click until a list has shown it, p95", "", 2500, figure=late(done), unit="ms"),
    ]


def measure_paint() -> list[Measure]:
    """Load a fleet of a hundred in turn with a bare table of the same texts."""
    with running_portal() as portal, open_browser(portal) as page:
        url = f"http://127.0.0.1:{portal.sandbox_port}/__sandbox/bulk"
        answer = requests.post(url, json={"workspace": "acme-vision", "count": FLEET_SIZE}, timeout=30)
        answer.raise_for_status()
        page.goto(f"{WORKSPACE}?all=1&size={FLEET_SIZE}")
        page.locator("tr[data-deployment]").nth(FLEET_SIZE - 1).wait_for(timeout=30_000)
        bare = page.evaluate(BARE)
        page.route("**/bare/", lambda route: route.fulfill(body=bare, content_type="text/html"))
        page.add_init_script(WATCH)
        paint = Measure(KIND, "First paint, after the first byte", "bare table", 1.3)
        tasks, shifts = [], []
        for _ in range(LOADS):
            ours = load(page, f"{WORKSPACE}?all=1&size={FLEET_SIZE}")
            floor = load(page, "/bare/")
            paint.ours_ms.append(ours["paint"])
            paint.floor_ms.append(floor["paint"])
            tasks.append(ours["tasks"] - floor["tasks"])
            shifts.append(ours["shift"])
    more = statistics.median(tasks)
    return [
        paint,
        Measure(KIND, "Long tasks of the page, more than a bare table", "", 50, figure=more, unit="ms"),
        Measure(KIND, "Layout shift of a load, most", "", 0.01, figure=max(shifts), unit=""),
    ]


def load(page: Page, address: str) -> dict[str, float]:
    """Load a page; return what was seen of it in its first second."""
    page.goto(address)
    page.wait_for_timeout(1000)
    found: dict[str, float] = page.evaluate(LOADED)
    return found


def main() -> None:
    """Measure, print the table, and add it to the file that BENCH_JSON names."""
    jobs: list[Callable[[], list[Any]]] = [measure_clicks, measure_paint, measure_rest]
    measures = [one for job in jobs for one in job()]
    print(f"\n{machine()}\n\n{table_of(measures)}\n")
    if path := os.environ.get("BENCH_JSON"):
        write_json(measures, Path(path))


if __name__ == "__main__":
    main()
