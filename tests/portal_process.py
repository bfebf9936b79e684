"""The whole portal as `make demo` starts it: supervisor, broker, sandbox, web, worker and beat, as real processes."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Self
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

ROOT = Path(__file__).resolve().parent.parent
OURS = (
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
_open = build_opener(ProxyHandler({})).open


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class PortalProcess:
    """A running portal with a home of its own."""

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
        with self.out.open("w") as out:
            self.process = subprocess.Popen(
                self.command, cwd=ROOT, env=self.environment, stdout=out, stderr=subprocess.STDOUT
            )
        return self

    def start(self, *, seconds: float = 90) -> Self:
        """Launch, and wait until it says that it is ready."""
        self.launch()
        until(lambda: "Stop: Ctrl-C" in self.said() or self.process.poll() is not None, seconds=seconds)
        assert "is ready" in self.said(), self.said()
        return self

    def said(self) -> str:
        return self.out.read_text()

    def children(self) -> dict[str, int]:
        """The process id of each part."""
        found = {}
        for pid in children_of(self.process.pid):
            words = command_of(pid)
            for name, mark in {
                "web": "gunicorn",
                "worker": " worker ",
                "beat": " beat ",
                "sandbox": "deployments.sandbox",
                "broker": "valkey",
            }.items():
                if mark in words:
                    found[name] = pid
        return found

    def stop(self, number: int = signal.SIGTERM) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(timeout=40)

    def status(self, path: str) -> int:
        try:
            with _open(f"{self.url}{path}", timeout=5) as answer:
                return int(answer.status)
        except URLError as error:
            return int(getattr(error, "code", 0) or 0)

    def manage_bytes(self, *words: str) -> bytes:
        """All that a command of manage.py writes."""
        done = subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            check=False,
            timeout=60,
        )
        return done.stdout + done.stderr

    def manage(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command of manage.py on this portal's home."""
        return subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )


def until(condition, *, seconds: float = 30, why=lambda: "it did not happen in time") -> None:
    """Wait for a condition; it must come true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, why()
        time.sleep(0.1)


def children_of(pid: int) -> list[int]:
    try:
        return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def command_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False
