"""The sandbox as a real process, for every test that needs a Roboflow to talk to."""

import atexit
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Self
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

ROOT = Path(__file__).resolve().parent.parent
PREFIX = "SANDBOX_"
# Straight to the process, whatever proxy the machine has set.
_open = build_opener(ProxyHandler({})).open


class SandboxProcess:
    """A running sandbox with a state file of its own. Faults and counts of calls are forgotten by a restart, the journal is not."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder = folder
        self._environment = environment
        self._process: subprocess.Popen[str] | None = None
        self.port = 0
        self.url = ""

    @classmethod
    def start(cls, folder: Path, **environment: object) -> Self:
        """Start on a free port. `SANDBOX_BOOT_SECONDS=0.2`, or short `boot_seconds=0.2`."""
        named = {name.upper(): str(value) for name, value in environment.items()}
        named = {name if name.startswith(PREFIX) else PREFIX + name: value for name, value in named.items()}
        made = cls(Path(folder), named)
        made.port = int(named.get("SANDBOX_PORT", "0"))
        made._launch()
        atexit.register(made.stop)
        return made

    def _launch(self) -> None:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
        command = [
            sys.executable,
            "-m",
            "deployments.sandbox",
            "--port",
            str(self.port),
            "--state",
            str(self.folder / "sandbox.sqlite3"),
        ]
        with (self.folder / "sandbox.log").open("a") as log:
            self._process = subprocess.Popen(
                command,
                cwd=ROOT,
                env={**inherited, **self._environment},
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self._process.stdout is not None
        line = self._process.stdout.readline().strip()
        if not line.startswith("sandbox ready "):
            raise RuntimeError(f"the sandbox did not start: {self.log()}")
        self.url = line.removeprefix("sandbox ready ")
        self.port = int(self.url.rsplit(":", 1)[1])

    @property
    def pid(self) -> int:
        assert self._process is not None, "the sandbox is not running"
        return self._process.pid

    def stop(self) -> int:
        """End it politely; the exit code. From now on connections are refused: a call that is known not to have been made."""
        return self._end(kill=False)

    def kill(self) -> int:
        """SIGKILL, as a crash."""
        return self._end(kill=True)

    def restart(self) -> Self:
        """Again on the same port with the same state; stopped first if it still runs."""
        self.stop()
        self._launch()
        return self

    def _end(self, *, kill: bool) -> int:
        process, self._process = self._process, None
        if process is None:
            return 0
        if kill:
            process.kill()
        else:
            process.terminate()
        code = process.wait(timeout=20)
        if process.stdout:
            process.stdout.close()
        return code

    def log(self) -> str:
        """All that the process wrote to stderr."""
        return (self.folder / "sandbox.log").read_text()

    def fault(self, endpoint: str, kind: str, count: int = 1, **more: object) -> None:
        """Strike the next `count` calls of the endpoint (or "*"); 0 means until cleared."""
        self.control("POST", "faults", {"endpoint": endpoint, "kind": kind, "count": count, **more})

    def clear_faults(self) -> None:
        self.control("DELETE", "faults")

    def change(self, name: str, **body: object) -> dict[str, Any]:
        """Change a deployment behind the portal's back, at once."""
        return self.control("POST", f"deployments/{name}", body)

    def create(self, name: str, **fields: object) -> str:
        """A deployment made outside the portal; its id. `status="ready"` spares the start-up, `workspace=` puts it elsewhere."""
        workspace = fields.pop("workspace", "acme-vision")
        return str(self.change(name, workspace=workspace, create=fields)["deployment_id"])

    def grow(self, count: int, workspace: str = "acme-vision") -> None:
        self.control("POST", "bulk", {"workspace": workspace, "count": count})

    def set(self, **settings: object) -> None:
        """`list_shape`, `boot_seconds`, `transition_seconds`, `hour_seconds` while running; a reset takes them back."""
        self.control("POST", "settings", settings)

    def register_key(self, key: str, workspace: str, **more: object) -> None:
        self.control("POST", "keys", {"key": key, "workspace": workspace, **more})

    def revoke_key(self, key: str) -> None:
        self.control("POST", "keys", {"key": key, "revoked": True})

    def reset(self) -> None:
        """Back to the opening: no faults, no journal, first keys and settings."""
        self.control("POST", "reset")

    def journal(self, endpoint: str | None = None) -> list[dict[str, Any]]:
        """Changes that were really made through the API, oldest first."""
        found = self.control("GET", "journal")["entries"]
        return [entry for entry in found if endpoint in (None, entry["endpoint"])]

    def listed(self, key: str) -> list[dict[str, Any]]:
        """What `/list` answers now, without those that are over."""
        with _open(f"{self.url}/list?api_key={key}", timeout=30) as answer:
            found: list[dict[str, Any]] = json.load(answer)
            return found

    def outside(self) -> list[dict[str, Any]]:
        """Changes made by `change`."""
        return list(self.control("GET", "journal")["outside"])

    def calls(self) -> dict[str, int]:
        """How often each endpoint was called since the start or reset, faults included."""
        return dict(self.control("GET", "journal")["calls"])

    def control(self, method: str, place: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """One call of the sandbox's own address."""
        raw = None if body is None else json.dumps(body).encode()
        request = Request(f"{self.url}/__sandbox/{place}", data=raw, method=method)
        try:
            with _open(request, timeout=60) as reply:
                found: dict[str, Any] = json.load(reply)
                return found
        except HTTPError as trouble:
            with trouble:
                text = trouble.read().decode()
            raise RuntimeError(f"sandbox: {method} {place}: {trouble.code} {text}") from None
