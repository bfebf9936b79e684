"""Strikes at the portal's processes: parts are killed or stopped at chosen moments, or run twice."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress

from tests.faults.database import Heal, wait_for
from tests.faults.running_portal import RunningPortal
from tests.faults.strike import Act, in_background, nothing
from tests.portal_process import ROOT, WORKERS

CHANGES = ("/add", "/pause", "/resume", "/delete")
HELD_SECONDS = 1.5  # below the portal's read time-out of 2 s: the reply comes just in time
HELD_AFTER = {"kind": "timeout_after", "count": 1, "seconds": HELD_SECONDS}
START_SECONDS = 2.5  # until a second worker or beat works


def killed(part: str) -> Act:
    """Kill a part, and all processes that it started, with SIGKILL."""

    def act(running: RunningPortal, rng: random.Random) -> Heal:
        running.signal(part, signal.SIGKILL)
        return nothing

    return act


def stopped(part: str) -> Act:
    """Stop a part with SIGSTOP; it continues at the end."""

    def act(running: RunningPortal, rng: random.Random) -> Heal:
        # A worker that is stopped in a transaction holds its locks.
        running.is_database_away = part in WORKERS
        pid = running.signal(part, signal.SIGSTOP)

        def heal() -> None:
            continue_group(pid)
            running.is_database_away = False

        return heal

    return act


def continue_group(pid: int) -> None:
    """Let a stopped process and its group continue."""
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGCONT)


def worker_struck_when(
    fault: dict[str, object],
    condition: Callable[[RunningPortal, int], bool],
    number: int = signal.SIGKILL,
) -> Act:
    """Send the worker a signal in the middle of a change.

    The sandbox's `fault` delays the call; `condition(running, changes_before)` says that the moment has come.
    """

    def act(running: RunningPortal, rng: random.Random) -> Heal:
        before = len(running.journal())
        running.sandbox("POST", "faults", fault)

        def strike() -> None:
            if not wait_for(lambda: condition(running, before), seconds=8):
                return
            if number == signal.SIGKILL:
                running.signal("worker-act", number)
            else:
                os.kill(running.pid_of("worker-act"), number)

        return in_background(strike, then=lambda: running.sandbox("DELETE", "faults"))

    return act


def is_sending(running: RunningPortal, changes_before: int) -> bool:
    """Say whether a worker has claimed an operation and not yet stored an answer."""
    return bool(running.rows("SELECT 1 FROM ledger_operation WHERE state = 'sending'"))


def is_processed(running: RunningPortal, changes_before: int) -> bool:
    """Say whether Roboflow has made another change."""
    return len(running.journal()) > changes_before


def worker_killed_before_commit(running: RunningPortal, rng: random.Random) -> Heal:
    """Kill the worker after Roboflow's reply, while it waits for the database to store the answer."""
    before = len(running.journal())
    for path in CHANGES:
        running.sandbox("POST", "faults", {**HELD_AFTER, "endpoint": path})

    def strike() -> None:
        if wait_for(lambda: is_processed(running, before), seconds=8):
            time.sleep(HELD_SECONDS - 0.5)
            running.is_database_away = True
            release = running.database.busy()
            time.sleep(1)  # the reply arrives in this second
            running.signal("worker-act", signal.SIGKILL)
            release()
            running.is_database_away = False

    return in_background(strike, then=lambda: running.sandbox("DELETE", "faults"))


def web_killed_before_publish(running: RunningPortal, rng: random.Random) -> Heal:
    """Stop the broker, so that publishing hangs, and kill web as soon as the operation is committed."""
    broker = running.signal("broker", signal.SIGSTOP)
    before = len(running.operations())

    def strike() -> None:
        if wait_for(lambda: len(running.operations()) > before, seconds=6):
            running.signal("web", signal.SIGKILL)

    return in_background(strike, then=lambda: continue_group(broker))


def a_second(part: str) -> Act:
    """Run another worker, or another beat, on the same broker and database."""

    def act(running: RunningPortal, rng: random.Random) -> Heal:
        program, _, queue = part.partition("-")
        takes = [
            "--queues",
            queue,
            "--hostname",
            f"second-{queue}@%h",
            "--pool",
            "threads",
            "--concurrency",
            "2",
        ]
        options = takes if queue else ["--pidfile", ""]
        command = [sys.executable, "-m", "celery", "-A", "portal.celery", "--quiet", program, *options]
        with (running.process.home / "logs" / f"second-{part}.log").open("ab") as log:
            process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=running.environment_of(part),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        time.sleep(START_SECONDS)

        def heal() -> None:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

        return heal

    return act
