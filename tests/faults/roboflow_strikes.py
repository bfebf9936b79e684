"""Strikes by Roboflow: its calls fail in many ways, and deployments change without the portal."""

import random

from tests.faults.database import Heal
from tests.faults.running_portal import KEY, RunningPortal
from tests.faults.strike import Act, nothing

ANA_KEY = """SELECT k.id FROM keys_apikey k JOIN accounts_user u ON u.id = k.user_id
    WHERE u.email = 'ana@example.com'"""


def failing(endpoints: tuple[str, ...], *kinds: dict[str, object]) -> Act:
    """Make one to three random calls of the endpoints fail, each in one of the ways given."""

    def act(running: RunningPortal, rng: random.Random) -> Heal:
        for _ in range(rng.randint(1, 3)):
            endpoint, count, kind = rng.choice(endpoints), rng.randint(1, 3), rng.choice(kinds)
            running.sandbox("POST", "faults", {"endpoint": endpoint, "count": count, **kind})
        return lambda: running.sandbox("DELETE", "faults")

    return act


def lists_wrapped(running: RunningPortal, rng: random.Random) -> Heal:
    """Answer /list with an object that holds the list, the other of Roboflow's two shapes."""
    running.sandbox("POST", "settings", {"list_shape": "wrapped"})
    return lambda: running.sandbox("POST", "settings", {"list_shape": "bare"})


def key_refused(running: RunningPortal, rng: random.Random) -> Heal:
    """Refuse Ana's key; at the end accept it again, and Ana has it checked."""
    key_id = running.rows(ANA_KEY)[0]["id"]
    running.sandbox("POST", "keys", {"key": KEY, "revoked": True})

    def heal() -> None:
        running.sandbox("POST", "keys", {"key": KEY, "revoked": False})
        running.ana.submit(f"/keys/{key_id}/check/", {})

    return heal


def recreated(running: RunningPortal, rng: random.Random) -> Heal:
    """Delete two deployments and create others under the same names, between view and click."""
    for name in random_names(running, rng):
        running.sandbox("POST", f"deployments/{name}", {"workspace": "acme-vision", "recreate": True})
    return nothing


def changed_outside(running: RunningPortal, rng: random.Random) -> Heal:
    """Pause, resume or delete two deployments at Roboflow, without the portal."""
    for name in random_names(running, rng):
        action = rng.choice(("pause", "resume", "delete"))
        running.sandbox("POST", f"deployments/{name}", {"workspace": "acme-vision", "action": action})
    return nothing


def random_names(running: RunningPortal, rng: random.Random) -> list[str]:
    """Return the names of two deployments, or of all if there are fewer."""
    deployments = running.changeable()
    return [one["deployment_name"] for one in rng.sample(deployments, k=min(2, len(deployments)))]
