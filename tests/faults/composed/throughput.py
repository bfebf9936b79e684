"""What replicas bring: changes and pages in a second, with one, two and three of web and of each worker.

`make throughput` runs it. The load, the sandbox and all containers share this machine's processors. So pages
are counted a second time while each container of web has a small part of one: nothing else is the limit then.
"""

import os
import sys
import tempfile
import threading
import time
from pathlib import Path
from uuid import uuid4

import requests

from tests.faults.composed.portal import ComposedPortal
from tests.faults.running_portal import WORKSPACE_PATH
from tests.portal_process import until

SCALES = (1, 2, 3)
SCALED = ("web", "worker-act", "worker-read")
CHANGED = 96  # deployments, in one batch
BYTE_SECONDS = 0.03  # Roboflow's answer to a change takes so long for each byte: a second or two in all
CLIENTS, PAGE_SECONDS = 12, 15
PART = 0.3  # of a processor
UNSENT = "SELECT 1 FROM ledger_operation WHERE state IN ('queued', 'sending')"
READY = "SELECT deployment_id FROM fleet_deployment WHERE gone_at IS NULL AND status = 'ready' ORDER BY 1"


class LargestPortal(ComposedPortal):
    """A portal with a port for each of the most web containers."""

    replicas = max(SCALES)


def main() -> int:
    """Print a table: changes and pages in a second for each number of replicas."""
    with tempfile.TemporaryDirectory(prefix="throughput-") as folder:
        running = LargestPortal(Path(folder) / "home")
        try:
            count = CHANGED * (len(SCALES) + 1)
            running.sandbox("POST", "bulk", {"workspace": "acme-vision", "count": count})
            until(lambda: len(running.rows(READY)) > count * 0.7, seconds=60)
            print(f"{os.cpu_count()} processors\n")
            print(f"| of each | changes in a second | pages | pages, {PART} of a processor for each |")
            print("|---:|---:|---:|---:|")
            for number in SCALES:
                scale(running, number)
                changes, pages = changes_per_second(running), pages_per_second(running, number)
                limit_web(running, PART)
                limited = pages_per_second(running, number)
                limit_web(running, os.cpu_count() or 1)
                print(f"| {number} | {changes:.1f} | {pages:.0f} | {limited:.1f} |", flush=True)
        finally:
            running.stop()
    return 0


def scale(running: ComposedPortal, number: int) -> None:
    """Run so many containers of web and of the workers that call Roboflow, and wait until they are ready."""
    options = [part for name in SCALED for part in ("--scale", f"{name}={number}")]
    running.engine.compose("up", "--detach", "--no-deps", "--no-recreate", *options, *SCALED)
    until(lambda: len(answering(running)) == number, seconds=90)
    time.sleep(5)  # workers take their first messages


def answering(running: ComposedPortal) -> list[int]:
    """Return the ports at which a web container says that all is ready."""
    found = []
    for port in running.process.ports:
        try:
            if requests.get(f"http://localhost:{port}/readyz", timeout=3).ok:
                found.append(port)
        except requests.RequestException:
            continue
    return found


def limit_web(running: ComposedPortal, processors: float) -> None:
    """Give each container of web so many processors."""
    running.engine.docker("update", "--cpus", str(processors), *running.engine.containers("web"))


def changes_per_second(running: ComposedPortal) -> float:
    """Let Ana pause CHANGED deployments at once while Roboflow is slow; count what is sent in a second."""
    slow = {"endpoint": "/pause", "kind": "slow_drip", "seconds": BYTE_SECONDS, "count": 0}
    chosen = [one["deployment_id"] for one in running.rows(READY)[:CHANGED]]
    running.sandbox("POST", "faults", slow)
    body = {"kind": "pause", "deployment": chosen, "form_token": str(uuid4()), "reason": "throughput"}
    started = time.monotonic()
    running.ana.url = f"http://localhost:{answering(running)[0]}"
    answer = running.ana.post(f"{WORKSPACE_PATH}operations/batch/", body)
    assert answer.is_redirect, f"{answer.status_code}: {answer.text[:500]}"
    until(lambda: not running.rows(UNSENT), seconds=300)
    seconds = time.monotonic() - started
    running.sandbox("DELETE", "faults")
    until(lambda: not running.has_open_operations(), seconds=120)
    return len(chosen) / seconds


def pages_per_second(running: ComposedPortal, number: int) -> float:
    """Let CLIENTS load the fleet's page again and again from all web containers; count the answers."""
    ports, counts, end = answering(running), [0] * CLIENTS, time.monotonic() + PAGE_SECONDS

    def load(client: int) -> None:
        session = requests.Session()
        session.cookies.update(running.ana.session.cookies)
        while time.monotonic() < end:
            answer = session.get(f"http://localhost:{ports[client % number]}{WORKSPACE_PATH}", timeout=30)
            assert answer.ok and "Fleet" in answer.text
            counts[client] += 1

    threads = [threading.Thread(target=load, args=(client,)) for client in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / PAGE_SECONDS


if __name__ == "__main__":
    sys.exit(main())
