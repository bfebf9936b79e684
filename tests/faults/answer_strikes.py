"""Strikes by answers that are readable and not quite true: late lists, partial entries, slow effects."""

import random

from tests.faults.database import Heal
from tests.faults.running_portal import RunningPortal
from tests.faults.silence_strikes import order
from tests.faults.strike import Act

LONGEST_LAG_SECONDS = 4.5  # the portal expects a list to be up to an idle interval behind
FIELDS = (
    "deployment_id",
    "deployment_name",
    "machine_type",
    "creator_email",
    "creator_id",
    "subdomain",
    "domain",
    "duration",
    "inference_version",
    "min_replicas",
    "max_replicas",
    "num_replicas",
    "status",
)
WAYS = ("absent", "null", "empty", "wrong_type")
SLOWEST_EFFECT_SECONDS = 8  # within the confirm window


def lagging(*endpoints: str) -> Act:
    """Let an endpoint answer with what was true seconds ago: always as long, varying, or frozen now."""

    def act(running: RunningPortal, rng: random.Random) -> Heal:
        seconds = rng.uniform(0.5, LONGEST_LAG_SECONDS)
        age = rng.choice(({"seconds": seconds}, {"seconds": seconds, "varies": True}, {}))
        return order(running, {"endpoint": rng.choice(endpoints), "kind": "stale", **age})

    return act


def partial_entries(running: RunningPortal, rng: random.Random) -> Heal:
    """Leave out or spoil some fields or all, in one entry or in all, of lists, of /get or of both."""
    fields = rng.choice(([rng.choice(FIELDS)], rng.sample(FIELDS, k=rng.randint(2, 6)), "*"))
    fault = {
        "kind": "partial",
        "endpoint": rng.choice(("/list", "/get", "*")),
        "fields": fields,
        "how": rng.choice(WAYS),
        "entry": rng.choice(("*", rng.randrange(6), rng.choice(running.changeable())["deployment_name"])),
    }
    return order(running, fault)


def slow_effects(running: RunningPortal, rng: random.Random) -> Heal:
    """Accept changes at once, and report their effect seconds later."""
    seconds = rng.uniform(1, SLOWEST_EFFECT_SECONDS)
    endpoint = rng.choice(("/add", "/pause", "/resume", "/delete", "writes"))
    return order(running, {"kind": "slow_settle", "endpoint": endpoint, "seconds": seconds})
