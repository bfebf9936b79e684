"""A strike that takes the machine away: the portal goes on elsewhere, from a back-up and its secrets."""

import os
import random
import shutil
import signal
from contextlib import suppress
from itertools import count
from pathlib import Path

from tests.faults.database import Heal
from tests.faults.invariants import find_keys
from tests.faults.running_portal import RunningPortal
from tests.faults.strike import nothing

_numbers = count()


def restored_elsewhere(running: RunningPortal, rng: random.Random) -> Heal:
    """Back the portal up in the middle of its work, lose its machine, and restore it on another one.

    What the worker did between the back-up and the end is not in the back-up: Roboflow has to be asked.
    """
    old, former = running.process, running.database
    number = next(_numbers)
    home = old.home.parent / f"{running.database.name}-machine-{number}"
    backup, secrets = (old.home.parent / f"{home.name}.{name}" for name in ("backup", "secrets"))
    manage(running, "secrets", "export", str(secrets))
    manage(running, "backup", str(backup))
    kill_machine(running)
    assert (found := find_keys(running)) == [], found
    move_roboflow(old.home, home)
    running.use_machine(home, port=old.port, sandbox_port=old.sandbox_port)
    former.stop()
    manage(running, "secrets", "import", str(secrets), "--replace")
    printed = manage(running, "restore", str(backup))
    assert "trail is intact" in printed and "do not open" not in printed, printed
    running.process.start()
    running.sign_in()
    return nothing


def manage(running: RunningPortal, *arguments: str) -> str:
    """Run a command of manage.py, which must succeed, and return what it prints."""
    done = running.process.manage(*arguments)
    assert done.returncode == 0, f"{arguments}: {done.stderr[-500:]}"
    return done.stdout


def kill_machine(running: RunningPortal) -> None:
    """Kill the supervisor, then all parts that it started."""
    children = running.process.children().values()
    running.process.process.kill()
    running.process.process.wait()
    for pid in children:
        with suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)


def move_roboflow(old: Path, new: Path) -> None:
    """Copy the sandbox's state: Roboflow is not on the machine that is lost."""
    shutil.copytree(old / "sandbox", new / "sandbox")
