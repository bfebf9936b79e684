"""A strike by a stranger, who changes many deployments at Roboflow at once, right after the portal did."""

import random
from itertools import count

from tests.faults.database import Heal, wait_for
from tests.faults.running_portal import RunningPortal
from tests.faults.strike import in_background, nothing

MADE, CHANGED = (15, 40), 12  # how many are created in one go, and the most of the others that are changed
OURS_SECONDS = 3  # how long the stranger waits for a change of ours
WORKSPACE = "acme-vision"
_numbers = count()


def bulk_change(running: RunningPortal, rng: random.Random) -> Heal:
    """Create, pause, resume and delete many deployments, as soon as Roboflow processed a change of ours."""
    before = len(running.journal())
    shown = running.changeable()
    made = [one for one in shown if one["deployment_name"].startswith("blk")]
    others = [one for one in shown if one not in made]
    chosen = rng.sample(others, k=min(len(others) // 2, CHANGED))
    actions = {one["deployment_name"]: rng.choice(("pause", "resume")) for one in chosen}
    actions |= {one["deployment_name"]: rng.choice(("pause", "resume", "delete", "delete")) for one in made}
    new = [f"blk{next(_numbers):05d}" for _ in range(rng.randint(*MADE))]
    pause_of_new = 0.2

    def strike() -> None:
        wait_for(lambda: len(running.journal()) > before, seconds=OURS_SECONDS)
        for name, action in actions.items():
            running.sandbox("POST", f"deployments/{name}", {"workspace": WORKSPACE, "action": action})
        for name in new:
            status = "paused" if rng.random() < pause_of_new else "ready"
            body = {"workspace": WORKSPACE, "create": {"status": status}}
            running.sandbox("POST", f"deployments/{name}", body)

    return in_background(strike, then=nothing)
