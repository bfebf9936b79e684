"""Strikes at containers, while others of the same service go on; and those of Roboflow and of people."""

import random

from tests.faults.composed.portal import REPLICAS, SCALED, ComposedPortal
from tests.faults.database import Heal
from tests.faults.people_strikes import crowd, no_strike
from tests.faults.running_portal import LEASE_SECONDS, RunningPortal
from tests.faults.storage_strikes import on_database
from tests.faults.strike import Act, Strike, nothing, once
from tests.faults.strikes import ROBOFLOW, TRUTH
from tests.portal_process import until

WIPE = "REDISCLI_AUTH=$(cat /secrets/redis_password) redis-cli flushall"
OF_ONE_MACHINE = (  # they strike processes, clocks or files of a portal that runs without containers
    "Roboflow killed",
    "Roboflow stopped",
    "the portal's clock steps",
    "clocks of hosts differ",
    "restored on another machine",
)
BEYOND_LEASE = (LEASE_SECONDS + 0.5, LEASE_SECONDS + 2)


def composed(running: RunningPortal) -> ComposedPortal:
    """Return the portal under test, which runs in containers."""
    assert isinstance(running, ComposedPortal)
    return running


def chosen(running: RunningPortal, service: str, rng: random.Random, *, every: bool) -> list[str]:
    """Return every container of a service, or one of them."""
    containers = composed(running).engine.containers(service)
    return containers if every else [rng.choice(sorted(containers))]


def killed(service: str, *, every: bool = False) -> Act:
    """Kill one container of a service, or every one. It ends when they run again."""

    def act(running: RunningPortal, rng: random.Random) -> Heal:
        engine = composed(running).engine
        engine.kill(chosen(running, service, rng, every=every))
        return lambda: until(lambda: engine.is_running(service), seconds=60)

    return act


def stopped(service: str, *, every: bool = False) -> Act:
    """Stop the processes of one container of a service, or of every one."""

    def act(running: RunningPortal, rng: random.Random) -> Heal:
        return once(composed(running).engine.pause(chosen(running, service, rng, every=every)))

    return act


def cut_off(service: str, *, every: bool = False) -> Act:
    """Take one container of a service, or every one, out of the network of database and broker."""

    def act(running: RunningPortal, rng: random.Random) -> Heal:
        return once(composed(running).engine.cut_off(chosen(running, service, rng, every=every)))

    return act


def scaled(service: str) -> Act:
    """Stop all but one container of a service as an operator does, and start as many again at the end."""

    def act(running: RunningPortal, rng: random.Random) -> Heal:
        engine = composed(running).engine

        def scale(count: int) -> None:
            engine.compose(
                "up", "--detach", "--no-deps", "--no-recreate", "--scale", f"{service}={count}", service
            )

        scale(1)
        return once(lambda: scale(REPLICAS))

    return act


def broker_wiped(running: RunningPortal, rng: random.Random) -> Heal:
    """Delete all that the broker holds."""
    composed(running).engine.compose("exec", "-T", "redis", "sh", "-c", WIPE)
    return nothing


CONTAINERS = [
    Strike("two people, each clicking twice", crowd, (2, 4)),
    *(Strike(f"one of {name} killed", killed(name)) for name in SCALED),
    *(Strike(f"every one of {name} killed", killed(name, every=True)) for name in SCALED),
    *(Strike(f"one of {name} stopped", stopped(name), BEYOND_LEASE) for name in SCALED if name != "web"),
    *(
        Strike(f"one of {name} cut off from database and broker", cut_off(name), BEYOND_LEASE)
        for name in SCALED
        if name != "web"
    ),
    *(
        Strike(f"one of {name} taken away and added", scaled(name), (2, 4))
        for name in SCALED
        if name != "web"
    ),
    Strike("beat killed", killed("beat")),
    Strike("beat stopped", stopped("beat"), (5, 8)),
    Strike("broker killed", killed("redis")),
    Strike("broker stopped", stopped("redis"), (1, 4)),
    Strike("broker wiped", broker_wiped),
    Strike("database: connections dropped", on_database("dropped")),
    Strike("database busy", on_database("busy"), (1, 4)),
    Strike("database killed", on_database("killed"), (1, 3)),
    Strike("database stopped", on_database("stopped"), (1, 4)),
    Strike("Roboflow killed", killed("sandbox")),
    Strike("Roboflow stopped", stopped("sandbox"), (2, 5)),
]
UPSTREAM = [one for one in (*ROBOFLOW, *TRUTH) if one.name not in OF_ONE_MACHINE]
STRIKES = [*CONTAINERS, *UPSTREAM, Strike("nothing strikes", no_strike)]
