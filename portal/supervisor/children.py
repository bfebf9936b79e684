"""Child processes of the supervisor: each in a session of its own, ended with all that it started."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

PR_SET_PDEATHSIG = 1
BACK_OFF = (0, 1, 3, 7, 15, 30)  # seconds before the next start, after so many deaths in a row
STEADY_SECONDS = 30  # alive for so long, a child's deaths are forgotten


def die_with_parent() -> None:
    """Ask Linux to end this process when the supervisor is killed; elsewhere the lock's one line must do."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


@dataclass
class Child:
    """One program that must run; its output goes to a file, where trouble is looked up."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    process: subprocess.Popen[bytes] | None = None
    deaths: int = 0
    started: float = 0.0
    not_before: float = field(default=0.0)

    def start(self) -> None:
        """Start it, in a session of its own: Ctrl-C reaches the supervisor only."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=die_with_parent,
            )
        self.started = time.monotonic()

    def has_died(self) -> bool:
        """Say whether it ended."""
        return self.process is not None and self.process.poll() is not None

    def revive(self) -> str:
        """Start a dead child again when it is due; return a line for people, "" when nothing happened."""
        if self.process is None:
            if time.monotonic() >= self.not_before:
                self.start()
            return ""
        code = self.process.returncode
        self.signal_group(signal.SIGKILL)  # what it left behind would hold its port
        if time.monotonic() - self.started > STEADY_SECONDS:
            self.deaths = 0
        wait = BACK_OFF[min(self.deaths, len(BACK_OFF) - 1)]
        self.deaths, self.process, self.not_before = self.deaths + 1, None, time.monotonic() + wait
        when = f" in {wait} s" if wait else ""
        return f"{self.name} ended ({code}); it is started again{when}. Its log: {self.log}"

    def signal_group(self, number: int) -> None:
        """Send a signal to the child and all that it started."""
        if self.process is not None:
            try:
                os.killpg(self.process.pid, number)
            except (ProcessLookupError, PermissionError):
                pass

    def tail(self) -> str:
        """Return the last line that it wrote."""
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        return next((line.strip() for line in reversed(lines) if line.strip()), "")


def stop_all(children: Sequence[Child], *, seconds: float = 10) -> None:
    """Ask all of them to end, wait, and kill what is left."""
    for child in reversed(children):
        child.signal_group(signal.SIGTERM)
        child.signal_group(signal.SIGCONT)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and any(
        child.process and child.process.poll() is None for child in children
    ):
        time.sleep(0.05)
    for child in children:
        child.signal_group(signal.SIGKILL)
        if child.process:
            child.process.wait()
