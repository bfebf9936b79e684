"""The whole portal as `make demo` starts it, in real processes."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

ROOT = Path(__file__).resolve().parent.parent
OURS = (  # how the names of the portal's own settings begin; tests do not inherit them
    "PORTAL_",
    "DATABASE_",
    "REDIS_",
    "ROBOFLOW_",
    "SYNC_",
    "OPERATION_",
    "SWEEP_",
    "SANDBOX_",
    "POSTGRES_",
    "EMAIL_",
    "DJANGO_",
    "DEMO_",
)
MARKS = {  # part to a piece of its command line
    "web": "gunicorn",
    "worker-act": "--queues act ",
    "worker-read": "--queues read ",
    "worker-tick": "--queues tick ",
    "beat": " beat ",
    "sandbox": "deployments.sandbox",
    "broker": "valkey",
}
WORKERS = ("worker-act", "worker-read", "worker-tick")
_open = build_opener(ProxyHandler({})).open


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class PortalProcess:
    """Supervisor, broker, sandbox, web, workers and beat, with a home of their own."""

    def __init__(
        self, home: Path, *, port: int = 0, sandbox_port: int = 0, demo: bool = True, **environment: str
    ) -> None:
        self.home, self.port, self.sandbox_port = home, port or free_port(), sandbox_port or free_port()
        self.url = f"http://localhost:{self.port}"
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        self.environment = {
            **inherited,
            "PORTAL_HOME": str(home),
            "SANDBOX_BOOT_SECONDS": "1",
            "SANDBOX_TRANSITION_SECONDS": "1",
            **environment,
        }
        self.command = [
            sys.executable,
            "manage.py",
            "up",
            "--port",
            str(self.port),
            "--sandbox-port",
            str(self.sandbox_port),
            *(["--demo"] if demo else []),
        ]
        self.out = home.parent / f"{home.name}.out"

    def launch(self) -> Self:
        """Start the supervisor, whose output goes to a file."""
        with self.out.open("w") as out:
            self.process = subprocess.Popen(
                self.command, cwd=ROOT, env=self.environment, stdout=out, stderr=subprocess.STDOUT
            )
        return self

    def start(self, *, seconds: float = 90) -> Self:
        """Launch, and wait until the supervisor prints that the portal is ready."""
        self.launch()
        until(lambda: "Stop: Ctrl-C" in self.said() or self.process.poll() is not None, seconds=seconds)
        assert "is ready" in self.said(), self.said()
        return self

    def said(self) -> str:
        """Return what the supervisor has printed."""
        return self.out.read_text()

    def children(self) -> dict[str, int]:
        """Return part to process id, of the parts that run."""
        commands = {pid: command_of(pid) for pid in children_of(self.process.pid)}
        return {
            part: pid for pid, command in commands.items() for part, mark in MARKS.items() if mark in command
        }

    def stop(self, number: int = signal.SIGTERM) -> int:
        """End the supervisor by a signal and return its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(timeout=40)

    def status(self, path: str, *, seconds: float = 5) -> int:
        """Return the status of a GET, 0 without an answer in these seconds."""
        try:
            with _open(f"{self.url}{path}", timeout=seconds) as answer:
                return int(answer.status)
        except (TimeoutError, ConnectionError):
            return 0
        except URLError as error:
            return int(getattr(error, "code", 0) or 0)

    def manage_bytes(self, *arguments: str) -> bytes:
        """Run a command of manage.py with this portal's settings; return all that it writes."""
        done = self._run_manage(arguments, text=False)
        return done.stdout + done.stderr

    def probe(self, part: str) -> int:
        """Return the exit code of a container's health check for a part."""
        command = [sys.executable, "-I", "-S", "portal/health/probe.py", part, str(self.port)]
        return subprocess.run(command, cwd=ROOT, env=self.environment, check=False, timeout=20).returncode

    def manage(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command of manage.py with this portal's settings."""
        return self._run_manage(arguments, text=True)

    def _run_manage(self, arguments: Sequence[str], *, text: bool) -> subprocess.CompletedProcess[Any]:
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=text,
            check=False,
            timeout=60,
        )


def until(condition, *, seconds: float = 30, why=lambda: "it did not happen in time") -> None:
    """Wait until the condition holds. Fail after `seconds` with the message that `why` returns."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, why()
        time.sleep(0.1)


def children_of(pid: int) -> list[int]:
    """Return the ids of a process's children, [] when it has ended."""
    try:
        return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def command_of(pid: int) -> str:
    """Return the command line of a process, "" when it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def is_alive(pid: int) -> bool:
    """Say whether a process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False
