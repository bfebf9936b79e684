"""Runs everything on one machine as children of one process: broker, web, workers, beat, demo's sandbox."""

import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import IO
from urllib.error import HTTPError
from urllib.request import ProxyHandler, build_opener

from portal.supervisor.children import Child, stop_all
from portal.supervisor.programs import CannotStart, Plan, build_children, child_environment

READY_SECONDS = 90
PASSWORD = "demo-portal"  # noqa: S105 - the demo's, printed for everybody
Say = Callable[[str], None]


def bring_up(plan: Plan, *, say: Say) -> int:
    """Bring everything up, keep it up until Ctrl-C or SIGTERM, take it down. Raises CannotStart."""
    os.umask(0o077)  # of the children, too
    plan.home.mkdir(parents=True, exist_ok=True)
    close_to_others(plan.home)
    with lock_home(plan.home), tempfile.TemporaryDirectory(prefix="portal-") as sockets:
        check_ports(plan)
        children = prepare_children(plan, Path(sockets))
        try:
            return supervise(plan, children, say=say)
        finally:
            stop_all(children)


def close_to_others(home: Path) -> None:
    """Let nobody but the owner read a home, also one that was left open before. Raises CannotStart."""
    try:
        home.chmod(0o700)  # first: then nobody can reach what is below
        for path in home.rglob("*"):
            with suppress(FileNotFoundError):  # of a process that is ending
                if not path.is_symlink():
                    path.chmod(path.stat().st_mode & 0o700)
    except OSError as error:
        raise CannotStart(f"{home} cannot be closed to other users: {error.strerror}.") from None


def lock_home(home: Path) -> IO[str]:
    """Take the lock of a home, as two portals on it would run everything twice. Raises CannotStart."""
    lock = (home / "lock").open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.seek(0)
        raise CannotStart(
            f"The portal of {home} is running already (process {lock.read().strip() or 'unknown'})."
        ) from None
    lock.seek(0)
    lock.truncate()
    lock.write(str(os.getpid()))
    lock.flush()
    return lock


def check_ports(plan: Plan) -> None:
    """Say which port is taken, and by which setting to change it. Raises CannotStart."""
    wanted = [("PORT", plan.port), *([("SANDBOX_PORT", plan.sandbox_port)] if plan.own_sandbox else [])]
    for setting, port in wanted:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                retry = f"make {'demo' if plan.demo else 'run'} {setting}={port + 1}"
                raise CannotStart(f"Port {port} is taken. Choose another one: {retry}") from None


def prepare_children(plan: Plan, sockets: Path) -> list[Child]:
    """Make the database and the static files; return the children, not yet started. Raises CannotStart."""
    environment = child_environment(plan, sockets)
    run_manage(["prepare"], environment)
    return build_children(plan, environment, sockets)


def run_manage(command: list[str], environment: dict[str, str]) -> str:
    """Run a command of manage.py. Raises CannotStart with the last line that it wrote."""
    done = subprocess.run(
        [sys.executable, "manage.py", *command], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        last_line = next((line for line in reversed(done.stderr.splitlines()) if line.strip()), "no message")
        raise CannotStart(f"manage.py {command[0]} failed: {last_line}")
    return done.stdout.strip()


def supervise(plan: Plan, children: list[Child], *, say: Say) -> int:
    """Start the children, say when all are ready, and restart those that die, until a signal comes."""
    stopping: list[int] = []

    def stop(number: int, _frame: FrameType | None) -> None:
        stopping.append(number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    for child in children:
        child.start()
    started, is_told = time.monotonic(), False
    is_seeded = not plan.demo
    while not stopping:
        for child in children:
            if (child.process is None or child.has_died()) and (line := child.revive()):
                say(line)
        if not is_seeded:
            is_seeded = seed_demo(plan, children)
        if is_seeded and not is_told and is_ready(plan.port):
            is_told = True
            print_greeting(plan, children, say=say, seconds=time.monotonic() - started)
        if not is_told and time.monotonic() - started > READY_SECONDS:
            missing, logs = missing_parts(plan.port), plan.home / "logs"
            raise CannotStart(f"Not ready after {READY_SECONDS} s: {missing}. The logs are in {logs}.")
        time.sleep(0.2)
    say("Stopping.")
    return 0


def seed_demo(plan: Plan, children: list[Child]) -> bool:
    """Make the demo's people once the sandbox answers."""
    if plan.own_sandbox and http_get(plan.sandbox_port, "/__sandbox/journal")[0] != 200:
        return False
    password = plan.environment.get("DEMO_PASSWORD") or os.environ.get("DEMO_PASSWORD") or PASSWORD
    run_manage(
        ["seed_demo", "--password", password, *([] if plan.own_sandbox else ["--without-keys"])],
        dict(children[0].environment),
    )
    return True


def http_get(port: int, path: str) -> tuple[int, str]:
    """Return status and body of a child's answer, past any proxy; (0, "") when it does not answer."""
    try:
        with build_opener(ProxyHandler({})).open(f"http://127.0.0.1:{port}{path}", timeout=3) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as error:
        with error:
            return error.code, error.read().decode()
    except (OSError, ValueError):
        return 0, ""


def is_ready(port: int) -> bool:
    """Return whether every part says that it is well."""
    return http_get(port, "/readyz")[0] == 200


def missing_parts(port: int) -> str:
    """Return what is not ready yet."""
    status, body = http_get(port, "/readyz")
    if not status:
        return "web does not answer"
    try:
        parts = json.loads(body)["parts"].items()
        return ", ".join(f"{name} {text}" for name, text in parts if text not in ("answers", "is alive"))
    except (ValueError, KeyError):
        return f"web answers {status}"


def print_greeting(plan: Plan, children: list[Child], *, say: Say, seconds: float) -> None:
    """Say where it is and who can come in."""
    address = children[0].environment["PORTAL_BASE_URL"]
    say(f"Portside is ready after {seconds:.0f} s: {address}")
    if plan.demo:
        password = plan.environment.get("DEMO_PASSWORD") or os.environ.get("DEMO_PASSWORD") or PASSWORD
        say("  Ana   ana@example.com    administrator, manager")
        say("  Ben   ben@example.com    operator")
        say("  Vera  vera@example.com   viewer")
        say(f"  Password of all three: {password}")
        if plan.own_sandbox:
            say(f"  Roboflow is imitated by the sandbox at http://127.0.0.1:{plan.sandbox_port}")
    elif link := run_manage(["setup_link"], dict(children[0].environment)):
        say(f"  {link}")
    say(f"  Logs: {plan.home / 'logs'}   Stop: Ctrl-C")
