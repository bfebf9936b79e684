"""Strikes at clocks: Roboflow's, that of the whole portal, and those of its hosts, step by minutes."""

import random

from tests.faults.database import Heal
from tests.faults.running_portal import RunningPortal

LONGEST_STEP_SECONDS = 300
HOSTS_DIFFER_SECONDS = 60
PARTS = {"web": "gunicorn", "act": "--queues act ", "read": "--queues read ", "tick": "--queues tick "}


def choose_step(rng: random.Random) -> float:
    """Return by how many seconds a clock steps, forwards or back."""
    return rng.choice((-1, 1)) * rng.uniform(5, LONGEST_STEP_SECONDS)


def clock_of_roboflow(running: RunningPortal, rng: random.Random) -> Heal:
    """Let Roboflow's clock step, and back at the end. What was logged meanwhile keeps its time."""
    running.sandbox("POST", "faults", {"kind": "clock", "seconds": choose_step(rng), "step": True})
    return lambda: running.sandbox("POST", "faults", {"kind": "clock", "seconds": 0, "step": True})


def clock_of_portal(running: RunningPortal, rng: random.Random) -> Heal:
    """Let the clocks of all parts of the portal step, and back at the end."""
    running.set_clocks(str(choose_step(rng)))
    return lambda: running.set_clocks("0")


def clocks_of_hosts(running: RunningPortal, rng: random.Random) -> Heal:
    """Give each part of the portal a clock of its own, as on hosts that differ by up to a minute."""
    lines = [f"{rng.uniform(-1, 1) * HOSTS_DIFFER_SECONDS} {mark}" for mark in PARTS.values()]
    running.set_clocks("\n".join(["0", *lines]))
    return lambda: running.set_clocks("0")
