"""The programs that make up the portal on one machine, with their command lines and their environment."""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from portal.queue.routes import CONCURRENCY, QUEUES
from portal.supervisor.broker import NoBroker, broker_binary, broker_command
from portal.supervisor.children import Child


class CannotStart(Exception):
    """The portal cannot start, or not stay up. The message is one clear line; nothing is left running."""


@dataclass
class Plan:
    """What to bring up: where, and with which Roboflow."""

    port: int
    home: Path
    demo: bool
    sandbox_port: int
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def own_sandbox(self) -> bool:
        """Return whether the demo brings its own Roboflow: unless the addresses of another one are given."""
        given = self.environment
        return self.demo and not (given.get("ROBOFLOW_DEPLOYMENTS_URL") and given.get("ROBOFLOW_API_URL"))


def child_environment(plan: Plan, sockets: Path) -> dict[str, str]:
    """Return the environment of all children; `sockets` is the folder of the broker's socket."""
    found = {**os.environ, **plan.environment, "PORTAL_HOME": str(plan.home)}
    if not found.get("PORTAL_BASE_URL"):
        found["PORTAL_BASE_URL"] = f"http://localhost:{plan.port}"
    if not found.get("REDIS_URL"):
        found["REDIS_URL"] = f"redis+socket://{sockets / 'broker.sock'}"
    if plan.own_sandbox:
        sandbox = f"http://127.0.0.1:{plan.sandbox_port}"
        found["ROBOFLOW_DEPLOYMENTS_URL"] = found["ROBOFLOW_API_URL"] = sandbox
    return found


def build_children(plan: Plan, environment: dict[str, str], sockets: Path) -> list[Child]:
    """Return every child in the order of their start. Raises CannotStart."""
    logs = plan.home / "logs"
    logs.mkdir(exist_ok=True)
    commands: dict[str, Sequence[str]] = {}
    if environment["REDIS_URL"].startswith(f"redis+socket://{sockets}"):
        commands["broker"] = own_broker_command(plan, sockets)
    if plan.own_sandbox:
        commands["sandbox"] = sandbox_command(plan)
    commands["web"] = web_command(plan.port)
    commands |= {f"worker-{queue}": worker_command(queue) for queue in QUEUES}
    commands["beat"] = [*celery_command(), "beat", "--pidfile", "", "--loglevel", "INFO"]
    return [Child(name, command, environment, logs / f"{name}.log") for name, command in commands.items()]


def own_broker_command(plan: Plan, sockets: Path) -> list[str]:
    """Return the command of our own broker. Raises CannotStart."""
    folder = plan.home / "broker"
    folder.mkdir(exist_ok=True)
    try:
        return broker_command(broker_binary(), folder=folder, socket=sockets / "broker.sock")
    except NoBroker as missing:
        raise CannotStart(str(missing)) from None


def sandbox_command(plan: Plan) -> list[str]:
    """Return the command of the imitation of Roboflow."""
    state = plan.home / "sandbox" / "sandbox.sqlite3"
    state.parent.mkdir(exist_ok=True)
    module = [sys.executable, "-m", "deployments.sandbox"]
    return [*module, "--port", str(plan.sandbox_port), "--state", str(state)]


def web_command(port: int) -> list[str]:
    """Return the command of the web server."""
    gunicorn = [sys.executable, "-m", "gunicorn", "portal.wsgi:application"]
    place = ["--bind", f"127.0.0.1:{port}", "--no-control-socket"]
    return [*gunicorn, *place, "--config", "python:portal.supervisor.gunicorn"]


def worker_command(queue: str) -> list[str]:
    """Return the command of the worker of one queue."""
    takes = ["--queues", queue, "--hostname", f"{queue}@%h", "--concurrency", str(CONCURRENCY[queue])]
    quiet = ["--without-gossip", "--without-mingle", "--loglevel", "INFO"]
    return [*celery_command(), "worker", "--pool", "threads", *takes, *quiet]


def celery_command() -> list[str]:
    """Return the beginning of a command of Celery."""
    return [sys.executable, "-m", "celery", "-A", "portal.celery", "--quiet"]
