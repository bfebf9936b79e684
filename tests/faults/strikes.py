"""What can strike a running portal: its parts are killed or stopped, Roboflow errs. Each strike returns the act that heals it."""

import os
import random
import signal
from collections.abc import Callable
from dataclasses import dataclass

import redis

from tests.faults.field import LEASE_SECONDS, Field

Heal = Callable[[], None]


@dataclass(frozen=True)
class Strike:
    """One kind of fault: where it strikes, how, and how long it lasts at most (seconds)."""

    name: str
    act: Callable[[Field, random.Random], Heal]
    lasts: tuple[float, float] = (0.5, 2.5)


def nothing() -> None:
    """The supervisor heals it."""


def killed(part: str) -> Callable[[Field, random.Random], Heal]:
    """SIGKILL a part and all that it started."""

    def act(field: Field, dice: random.Random) -> Heal:
        field.signal(part, signal.SIGKILL)
        return nothing

    return act


def stopped(part: str) -> Callable[[Field, random.Random], Heal]:
    """SIGSTOP a part; it is woken at the end."""

    def act(field: Field, dice: random.Random) -> Heal:
        pid = field.signal(part, signal.SIGSTOP)
        return lambda: wake(pid)

    return act


def wake(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGCONT)
    except ProcessLookupError:
        pass


def wiped(field: Field, dice: random.Random) -> Heal:
    """All that the broker holds is gone."""
    try:
        redis.Redis(unix_socket_path=field.broker_socket(), socket_timeout=3).flushall()
    except redis.RedisError:
        pass
    return nothing


def full(field: Field, dice: random.Random) -> Heal:
    """The broker's memory is full: it refuses every write."""
    client = redis.Redis(unix_socket_path=field.broker_socket(), socket_timeout=3)

    def limit(size: str) -> None:
        try:
            client.config_set("maxmemory", size)
        except redis.RedisError:
            pass

    limit("1")
    return lambda: limit("0")


def erring(endpoints: tuple[str, ...], *kinds: dict[str, object]) -> Callable[[Field, random.Random], Heal]:
    """Roboflow errs at some calls."""

    def act(field: Field, dice: random.Random) -> Heal:
        for _ in range(dice.randint(1, 3)):
            order = {"endpoint": dice.choice(endpoints), "count": dice.randint(1, 3), **dice.choice(kinds)}
            field.sandbox("POST", "faults", order)
        return lambda: field.sandbox("DELETE", "faults")

    return act


def made_anew(field: Field, dice: random.Random) -> Heal:
    """Between view and click a deployment is deleted and made again under the same name."""
    for one in dice.sample(field.standing(), k=min(2, len(field.standing()))):
        field.sandbox("POST", f"deployments/{one['deployment_name']}", {"workspace": "acme-vision", "recreate": True})
    return nothing


def changed_outside(field: Field, dice: random.Random) -> Heal:
    """Somebody pauses, resumes or deletes at Roboflow, past the portal."""
    for one in dice.sample(field.standing(), k=min(2, len(field.standing()))):
        field.sandbox("POST", f"deployments/{one['deployment_name']}", {"workspace": "acme-vision", "action": dice.choice(("pause", "resume", "delete"))})
    return nothing


CHANGES = ("/add", "/pause", "/resume", "/delete")
READS = ("/get", "/list")
LATE = {"seconds": 4}
STRIKES = [
    Strike("web killed", killed("web")),
    Strike("worker killed", killed("worker")),
    Strike("worker stopped beyond its lease", stopped("worker"), (LEASE_SECONDS + 0.5, LEASE_SECONDS + 2)),
    Strike("beat killed", killed("beat")),
    Strike("beat stopped", stopped("beat"), (2, 5)),
    Strike("broker killed", killed("broker")),
    Strike("broker stopped", stopped("broker"), (1, 4)),
    Strike("broker wiped", wiped),
    Strike("broker full", full, (1, 3)),
    Strike("Roboflow killed", killed("sandbox")),
    Strike("Roboflow stopped", stopped("sandbox"), (2, 5)),
    Strike("changes: no reply before", erring(CHANGES, {"kind": "reset_before"}, {"kind": "timeout_before", **LATE})),
    Strike("changes: reply lost after", erring(CHANGES, {"kind": "reset_after"}, {"kind": "timeout_after", **LATE}, {"kind": "truncated"})),
    Strike(
        "changes: 5xx before and after", erring(CHANGES, *({"kind": kind, "status": code} for kind in ("status", "status_after") for code in (500, 502, 503)))
    ),
    Strike("changes: 4xx", erring(CHANGES, *({"kind": "status", "status": code, "retry_after": "1"} for code in (400, 403, 404, 409, 429)))),
    Strike(
        "changes: pages, bytes, redirects", erring(CHANGES, {"kind": "html"}, {"kind": "binary"}, {"kind": "redirect"}, {"kind": "slow_drip", "seconds": 0.5})
    ),
    Strike(
        "reads: no or broken answers",
        erring(READS, {"kind": "reset_before"}, {"kind": "truncated"}, {"kind": "wrong_json"}, {"kind": "html"}, {"kind": "status"}),
    ),
    Strike("lists: empty, doubled, bad entries", erring(("/list",), {"kind": "empty_list"}, {"kind": "doubled_entries"}, {"kind": "bad_entry"})),
    Strike("made anew under the same name", made_anew),
    Strike("changed outside", changed_outside),
    Strike("nothing strikes", lambda field, dice: nothing),
]
