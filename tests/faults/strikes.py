"""What can strike a running portal: its parts are killed or stopped, Roboflow errs, people crowd. Each strike returns the act that heals it."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import redis

from tests.faults.database import Heal, full, wait_for
from tests.faults.field import KEY, LEASE_SECONDS, PLACE, Field
from tests.portal_process import ROOT

Act = Callable[[Field, random.Random], Heal]


@dataclass(frozen=True)
class Strike:
    """One kind of fault: where it strikes, how, how long it lasts (seconds); on which database alone, if on one."""

    name: str
    act: Act
    lasts: tuple[float, float] = (0.5, 2.5)
    only: str = ""
    long: bool = False  # not among the quick ones of `make test`


def nothing() -> None:
    """The supervisor heals it."""


def killed(part: str) -> Act:
    """SIGKILL a part and all that it started."""

    def act(field: Field, dice: random.Random) -> Heal:
        field.signal(part, signal.SIGKILL)
        return nothing

    return act


def stopped(part: str) -> Act:
    """SIGSTOP a part; it is woken at the end."""

    def act(field: Field, dice: random.Random) -> Heal:
        field.ill = part == "worker"  # stopped within a transaction, it holds locks
        pid = field.signal(part, signal.SIGSTOP)

        def heal() -> None:
            wake(pid)
            field.ill = False

        return heal

    return act


def wake(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGCONT)
    except ProcessLookupError:
        pass


def when_its_moment_comes(strike: Callable[[], None], *, then: Callable[[], object]) -> Heal:
    """Strike beside the clicks; to heal waits until that is over."""
    thread = threading.Thread(target=strike, daemon=True)
    thread.start()

    def heal() -> None:
        thread.join()
        then()

    return heal


def worker_struck_when(
    fault: dict[str, object], condition: Callable[[Field, int], bool], number: int = signal.SIGKILL
) -> Act:
    """The worker is struck in the very middle of a change: `fault` holds the call, `condition` says that it has come so far."""

    def act(field: Field, dice: random.Random) -> Heal:
        before = len(field.journal())
        field.sandbox("POST", "faults", fault)

        def strike() -> None:
            if wait_for(lambda: condition(field, before), seconds=8):
                field.signal("worker", number) if number == signal.SIGKILL else os.kill(
                    field.pid_of("worker"), number
                )

        return when_its_moment_comes(strike, then=lambda: field.sandbox("DELETE", "faults"))

    return act


def is_sending(field: Field, before: int) -> bool:
    return bool(field.rows("SELECT 1 FROM ledger_operation WHERE state = 'sending'"))


def is_processed(field: Field, before: int) -> bool:
    return len(field.journal()) > before


def worker_killed_before_commit(field: Field, dice: random.Random) -> Heal:
    """Roboflow has replied, and the worker dies while it waits for the database to write it down."""
    before = len(field.journal())
    for path in CHANGES:
        field.sandbox("POST", "faults", {**HELD_AFTER, "endpoint": path})

    def strike() -> None:
        if wait_for(lambda: is_processed(field, before), seconds=8):
            time.sleep(HELD_SECONDS - 0.5)
            field.ill = True
            free = field.database.busy()
            time.sleep(1)  # the reply has come meanwhile
            field.signal("worker", signal.SIGKILL)
            free()
            field.ill = False

    return when_its_moment_comes(strike, then=lambda: field.sandbox("DELETE", "faults"))


def web_killed_before_publish(field: Field, dice: random.Random) -> Heal:
    """The broker is silent, so that publishing hangs; web dies as soon as the operation is written."""
    broker = field.signal("broker", signal.SIGSTOP)
    before = len(field.operations())

    def strike() -> None:
        if wait_for(lambda: len(field.operations()) > before, seconds=6):
            field.signal("web", signal.SIGKILL)

    return when_its_moment_comes(strike, then=lambda: wake(broker))


def a_second(part: str) -> Act:
    """Another worker, or another beat, on the same queue and database."""

    def act(field: Field, dice: random.Random) -> Heal:
        environment = field.environment_of(part)
        command = [
            sys.executable,
            "-m",
            "celery",
            "-A",
            "portal.celery",
            "--quiet",
            part,
            *(["--concurrency", "2"] if part == "worker" else ["--pidfile", ""]),
        ]
        with (field.portal.home / "logs" / f"second-{part}.log").open("ab") as log:
            process = subprocess.Popen(
                command, cwd=ROOT, env=environment, stdout=log, stderr=log, start_new_session=True
            )
        time.sleep(2.5)  # until it works

        def heal() -> None:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

        return heal

    return act


def wiped(field: Field, dice: random.Random) -> Heal:
    """All that the broker holds is gone."""
    try:
        redis.Redis(unix_socket_path=field.broker_socket(), socket_timeout=3).flushall()
    except redis.RedisError:
        pass
    return nothing


def broker_full(field: Field, dice: random.Random) -> Heal:
    """The broker's memory is full: it refuses every write."""
    client = redis.Redis(unix_socket_path=field.broker_socket(), socket_timeout=3)

    def limit(size: str) -> None:
        try:
            client.config_set("maxmemory", size)
        except redis.RedisError:
            pass

    limit("1")
    return lambda: limit("0")


def crowd(field: Field, dice: random.Random) -> Heal:
    """Everybody clicks twice at once, and two people on the same deployment."""
    field.crowded = True

    def heal() -> None:
        field.crowded = False

    return heal


def role_lowered(field: Field, dice: random.Random) -> Heal:
    """Ben asks; before a worker comes to it, he may only look. He gets his role back at the end."""
    member = field.rows(
        "SELECT m.id FROM workspaces_membership m JOIN accounts_user u ON u.id = m.user_id WHERE u.email = 'ben@example.com'"
    )[0]["id"]
    one = dice.choice([one for one in field.standing() if one["status"] == "ready"] or field.standing())
    woken = stopped("worker")(field, dice)
    try:
        fields = {"form_token": f"{dice.getrandbits(128):032x}", "reason": "of Ben"}
        field.ben.ask(f"{PLACE}deployments/{one['deployment_id']}/pause/", fields, ill=True)
        field.ana.ask(f"{PLACE}team/{member}/role/", {"role": "viewer"}, ill=True)
    finally:
        woken()

    def heal() -> None:
        wait_for(
            lambda: (
                not field.rows(
                    "SELECT 1 FROM ledger_operation WHERE reason = 'of Ben' AND state IN ('queued', 'sending')"
                )
            ),
            seconds=20,
        )
        field.ana.ask(f"{PLACE}team/{member}/role/", {"role": "operator"})

    return heal


def on_database(what: str) -> Act:
    """Strike the database; meanwhile pages may say that they cannot work."""

    def act(field: Field, dice: random.Random) -> Heal:
        field.ill = True
        healed = getattr(field.database, what)()

        def heal() -> None:
            if healed:
                healed()
            field.ill = False

        return once(heal)

    return act


def disk_full(field: Field, dice: random.Random) -> Heal:
    """Web and worker cannot write a byte."""
    field.ill = True
    healed = full([pid for part in ("web", "worker") for pid in field.family_of(part)])

    def heal() -> None:
        healed()
        field.ill = False

    return heal


def once(heal: Heal) -> Heal:
    """Healing twice must not strike again."""
    left = [heal]
    return lambda: left.pop()() if left else None


def erring(endpoints: tuple[str, ...], *kinds: dict[str, object]) -> Act:
    """Roboflow errs at some calls."""

    def act(field: Field, dice: random.Random) -> Heal:
        for _ in range(dice.randint(1, 3)):
            order = {"endpoint": dice.choice(endpoints), "count": dice.randint(1, 3), **dice.choice(kinds)}
            field.sandbox("POST", "faults", order)
        return lambda: field.sandbox("DELETE", "faults")

    return act


def other_shape(field: Field, dice: random.Random) -> Heal:
    """Roboflow wraps its lists."""
    field.sandbox("POST", "settings", {"list_shape": "wrapped"})
    return lambda: field.sandbox("POST", "settings", {"list_shape": "bare"})


def key_refused(field: Field, dice: random.Random) -> Heal:
    """Roboflow refuses Ana's key in the middle; at the end it takes it again, and she has it checked."""
    own = field.rows(
        "SELECT k.id FROM keys_apikey k JOIN accounts_user u ON u.id = k.user_id WHERE u.email = 'ana@example.com'"
    )[0]["id"]
    field.sandbox("POST", "keys", {"key": KEY, "revoked": True})

    def heal() -> None:
        field.sandbox("POST", "keys", {"key": KEY, "revoked": False})
        field.ana.ask(f"/keys/{own}/check/", {})

    return heal


def made_anew(field: Field, dice: random.Random) -> Heal:
    """Between view and click a deployment is deleted and made again under the same name."""
    for one in dice.sample(field.standing(), k=min(2, len(field.standing()))):
        field.sandbox(
            "POST", f"deployments/{one['deployment_name']}", {"workspace": "acme-vision", "recreate": True}
        )
    return nothing


def changed_outside(field: Field, dice: random.Random) -> Heal:
    """Somebody pauses, resumes or deletes at Roboflow, past the portal."""
    for one in dice.sample(field.standing(), k=min(2, len(field.standing()))):
        field.sandbox(
            "POST",
            f"deployments/{one['deployment_name']}",
            {"workspace": "acme-vision", "action": dice.choice(("pause", "resume", "delete"))},
        )
    return nothing


CHANGES = ("/add", "/pause", "/resume", "/delete")
READS = ("/get", "/list")
LATE = {"seconds": 4}
HELD_SECONDS = 1.5  # a reply that comes just in time
HELD_AFTER = {"kind": "timeout_after", "count": 1, "seconds": HELD_SECONDS}
STRIKES = [
    Strike("two people, each clicking twice", crowd, (2, 4)),
    Strike("web killed", killed("web")),
    Strike("web killed before it published", web_killed_before_publish, (1.5, 3)),
    Strike("worker killed", killed("worker")),
    Strike(
        "worker killed before it sent",
        worker_struck_when(
            {"endpoint": "/get", "kind": "timeout_before", "count": 2, "seconds": 1.5}, is_sending
        ),
    ),
    *(
        Strike(
            f"worker killed after {path} and before its reply",
            worker_struck_when({**HELD_AFTER, "endpoint": path}, is_processed),
        )
        for path in ("/add", "/pause")
    ),
    Strike(
        "worker shut down in the middle of a call",
        worker_struck_when({**HELD_AFTER, "endpoint": "/pause"}, is_processed, signal.SIGTERM),
    ),
    Strike("worker stopped beyond its lease", stopped("worker"), (LEASE_SECONDS + 0.5, LEASE_SECONDS + 2)),
    Strike("two workers", a_second("worker"), (1, 3)),
    Strike("two beats", a_second("beat"), (1, 3)),
    Strike("beat killed", killed("beat")),
    Strike("beat stopped", stopped("beat"), (5, 8)),
    Strike("worker killed after the reply and before its commit", worker_killed_before_commit),
    Strike("broker killed", killed("broker")),
    Strike("broker stopped", stopped("broker"), (1, 4)),
    Strike("broker away for a minute", stopped("broker"), (60, 60), long=True),
    Strike("broker wiped", wiped),
    Strike("broker full", broker_full, (1, 3)),
    Strike("database busy", on_database("busy"), (1, 4)),
    Strike("disk full", disk_full, (1, 3), only="sqlite"),
    Strike("database's disk full", on_database("full"), (1, 3), only="postgresql"),
    Strike("database: connections dropped", on_database("dropped"), only="postgresql"),
    Strike("database killed", on_database("killed"), (1, 3), only="postgresql"),
    Strike("database stopped", on_database("stopped"), (1, 4), only="postgresql"),
    Strike("role lowered between click and call", role_lowered),
    Strike("Roboflow killed", killed("sandbox")),
    Strike("Roboflow stopped", stopped("sandbox"), (2, 5)),
    Strike(
        "changes: no reply before",
        erring(CHANGES, {"kind": "reset_before"}, {"kind": "timeout_before", **LATE}),
    ),
    Strike(
        "changes: reply lost after",
        erring(CHANGES, {"kind": "reset_after"}, {"kind": "timeout_after", **LATE}, {"kind": "truncated"}),
    ),
    Strike(
        "changes: 5xx before and after",
        erring(
            CHANGES,
            *(
                {"kind": kind, "status": code}
                for kind in ("status", "status_after")
                for code in (500, 502, 503)
            ),
        ),
    ),
    Strike(
        "changes: 4xx",
        erring(
            CHANGES,
            *({"kind": "status", "status": code, "retry_after": "1"} for code in (400, 403, 404, 409, 429)),
        ),
    ),
    Strike(
        "changes: pages, bytes, redirects",
        erring(
            CHANGES,
            {"kind": "html"},
            {"kind": "binary"},
            {"kind": "redirect"},
            {"kind": "slow_drip", "seconds": 0.5},
        ),
    ),
    Strike("changes: taken and not done", erring(CHANGES, {"kind": "ignored"})),
    Strike(
        "reads: no or broken answers",
        erring(
            READS,
            {"kind": "reset_before"},
            {"kind": "truncated"},
            {"kind": "wrong_json"},
            {"kind": "html"},
            {"kind": "status"},
        ),
    ),
    Strike(
        "reads: wrong types, unknown fields", erring(READS, {"kind": "wrong_types"}, {"kind": "extra_fields"})
    ),
    Strike("lists in the other shape", other_shape),
    Strike("stuck pending", erring(("/add", "/resume"), {"kind": "stuck_pending"})),
    Strike("key refused in the middle", key_refused),
    Strike(
        "lists: empty, doubled, bad entries",
        erring(("/list",), {"kind": "empty_list"}, {"kind": "doubled_entries"}, {"kind": "bad_entry"}),
    ),
    Strike("lists lag behind creates", erring(("/add",), {"kind": "lag", "seconds": 1.5})),
    Strike("made anew under the same name", made_anew),
    Strike("changed outside", changed_outside),
    Strike("nothing strikes", lambda field, dice: nothing),
]


def strikes_on(database: str) -> list[Strike]:
    """Those that this database can be struck with."""
    return [one for one in STRIKES if one.only in ("", database)]
