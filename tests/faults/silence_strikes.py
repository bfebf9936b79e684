"""Strikes by a Roboflow that is there and does not help: it is silent, refuses keys, or asks for patience."""

import random

from tests.faults.database import Heal
from tests.faults.running_portal import RunningPortal
from tests.faults.strike import Act

LONGEST_SECONDS = 15.0  # a fault that a killed test leaves behind ends by itself
SILENCES = ("silence", "silence_after")
ENDS = ("close", "answer", "process")  # what becomes of the calls that hang when the silence is over
READ_GROUPS = ("/list", "/get", "/get_log", "reads")
CHANGE_GROUPS = ("/add", "/pause", "/resume", "/delete", "writes")
KEYS = """SELECT k.id, k.state, u.email FROM keys_apikey k JOIN accounts_user u ON u.id = k.user_id
    WHERE u.email IN ('ana@example.com', 'ben@example.com')"""


def silent(*endpoints: str) -> Act:
    """Let the endpoints accept every call and answer none. The hanging calls are released in a random way."""

    def act(running: RunningPortal, rng: random.Random) -> Heal:
        fault = {"endpoint": rng.choice(endpoints), "kind": rng.choice(SILENCES), "then": rng.choice(ENDS)}
        return order(running, fault)

    return act


def keys_refused_in_passing(running: RunningPortal, rng: random.Random) -> Heal:
    """Answer 401 to all keys, or to one person's, wherever but at the key check: no refusal is confirmed."""
    fault = {"endpoint": rng.choice(("deployments", "reads", "writes", "/list")), "kind": "unauthorized"}
    return order(running, fault | choose_key(rng))


def keys_refused_everywhere(running: RunningPortal, rng: random.Random) -> Heal:
    """Answer 401 to keys, also at the key check. At the end their owners have the refused ones checked."""
    heal_sandbox = order(running, {"endpoint": "*", "kind": "unauthorized"} | choose_key(rng))

    def heal() -> None:
        heal_sandbox()
        for key in running.rows(KEYS):
            if key["state"] == "refused":
                owner = running.ana if key["email"].startswith("ana") else running.ben
                owner.submit(f"/keys/{key['id']}/check/", {})

    return heal


def rate_limited(running: RunningPortal, rng: random.Random) -> Heal:
    """Answer 429 with a Retry-After in seconds, as a date, or without one."""
    fault = {
        "endpoint": rng.choice(("/list", "/get", "/get_log", "reads", "writes", "deployments")),
        "kind": "rate_limited",
        "retry_after_form": rng.choice(("seconds", "date")),
    }
    if rng.random() < 0.3:
        fault["retry_after"] = "none"
    return order(running, fault, for_seconds=rng.uniform(2, 6))


def choose_key(rng: random.Random) -> dict[str, str]:
    """Return the part of a fault that names one person's key, or nothing for the keys of all."""
    return {"key": nick} if (nick := rng.choice(("", "ana", "ben"))) else {}


def order(running: RunningPortal, fault: dict[str, object], *, for_seconds: float = LONGEST_SECONDS) -> Heal:
    """Order the fault and return the function that heals all faults."""
    running.sandbox("POST", "faults", {**fault, "for_seconds": for_seconds})
    return lambda: running.sandbox("DELETE", "faults")
