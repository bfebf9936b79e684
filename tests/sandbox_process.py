"""The sandbox as a real process, for every test that needs an imitation of Roboflow."""

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
# Connect directly, also if the machine has a proxy configured.
_open_url = build_opener(ProxyHandler({})).open


class SandboxProcess:
    """A sandbox process with its own state file in `folder`.

    A restart clears the faults and the counts of calls, but not the journal.
    """

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder = folder
        self._environment = environment
        self._process: subprocess.Popen[str] | None = None
        self.port = 0
        self.url = ""

    @classmethod
    def start(cls, folder: Path, **environment: object) -> Self:
        """Start a process on a free port; it is stopped at the latest when the tests end.

        Settings are environment variables of the sandbox, with or without prefix: `boot_seconds=0.2` is
        `SANDBOX_BOOT_SECONDS=0.2`.
        """
        variables = {name.upper(): str(value) for name, value in environment.items()}
        variables = {
            name if name.startswith(PREFIX) else PREFIX + name: value for name, value in variables.items()
        }
        sandbox = cls(Path(folder), variables)
        sandbox.port = int(variables.get("SANDBOX_PORT", "0"))
        sandbox._start_process()
        atexit.register(sandbox.stop)
        return sandbox

    def _start_process(self) -> None:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
        state = self.folder / "sandbox.sqlite3"
        command = [
            sys.executable,
            "-m",
            "deployments.sandbox",
            "--port",
            str(self.port),
            "--state",
            str(state),
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
        """Return the process id."""
        assert self._process is not None, "the sandbox is not running"
        return self._process.pid

    def stop(self) -> int:
        """End the process with SIGTERM and return its exit code.

        Later connections are refused, so a client knows that its call was not processed.
        """
        return self._end_process(kill=False)

    def kill(self) -> int:
        """End the process with SIGKILL, as a crash would, and return its exit code."""
        return self._end_process(kill=True)

    def restart(self) -> Self:
        """Stop the process if it runs, then start it with the same port and state."""
        self.stop()
        self._start_process()
        return self

    def _end_process(self, *, kill: bool) -> int:
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
        """Return everything that the process wrote to stderr."""
        return (self.folder / "sandbox.log").read_text()

    def fault(self, endpoint: str, kind: str, count: int = 1, **options: object) -> None:
        """Apply the fault to the next `count` calls of the endpoint ("*" for any); 0 means until cleared.

        The kinds and options are in deployments/sandbox/faults.py.
        """
        self.control("POST", "faults", {"endpoint": endpoint, "kind": kind, "count": count, **options})

    def clear_faults(self) -> None:
        """Deactivate all faults."""
        self.control("DELETE", "faults")

    def change(self, name: str, **body: object) -> dict[str, Any]:
        """Change a deployment at once and without the portal, as somebody else would."""
        return self.control("POST", f"deployments/{name}", body)

    def create(self, name: str, **fields: object) -> str:
        """Create a deployment without the portal and return its id.

        `fields` are those of `/add`, all optional. `status="ready"` skips the start; `workspace` is its slug.
        """
        workspace = fields.pop("workspace", "acme-vision")
        return str(self.change(name, workspace=workspace, create=fields)["deployment_id"])

    def grow(self, count: int, workspace: str = "acme-vision") -> None:
        """Add `count` deployments to the workspace."""
        self.control("POST", "bulk", {"workspace": workspace, "count": count})

    def set(self, **settings: object) -> None:
        """Change `list_shape`, `boot_seconds`, `transition_seconds` or `hour_seconds` until a reset."""
        self.control("POST", "settings", settings)

    def register_key(self, key: str, workspace: str, **options: object) -> None:
        """Add a key; its workspace is created if needed. Options: `members`, `nick`, `revoked`."""
        self.control("POST", "keys", {"key": key, "workspace": workspace, **options})

    def revoke_key(self, key: str) -> None:
        """Revoke a known key."""
        self.control("POST", "keys", {"key": key, "revoked": True})

    def reset(self) -> None:
        """Restore the initial data and settings; clear the faults, the journal and the counts of calls."""
        self.control("POST", "reset")

    def journal(self, endpoint: str | None = None) -> list[dict[str, Any]]:
        """Return the changes made through the API (all, or those of one endpoint), oldest first."""
        entries = self.control("GET", "journal")["entries"]
        return [entry for entry in entries if endpoint in (None, entry["endpoint"])]

    def listed(self, key: str) -> list[dict[str, Any]]:
        """Return what `/list` answers to the key, without expired and deleted deployments."""
        with _open_url(f"{self.url}/list?api_key={key}", timeout=30) as response:
            deployments: list[dict[str, Any]] = json.load(response)
            return deployments

    def outside(self) -> list[dict[str, Any]]:
        """Return the changes made by `change` and `create`, oldest first."""
        return list(self.control("GET", "journal")["outside"])

    def calls(self) -> dict[str, int]:
        """Return how often each endpoint was called since the start or reset, faults included."""
        return dict(self.control("GET", "journal")["calls"])

    def control(self, method: str, place: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Call `/__sandbox/<place>` and return its JSON. Raises RuntimeError for an answer other than 200."""
        data = None if body is None else json.dumps(body).encode()
        request = Request(f"{self.url}/__sandbox/{place}", data=data, method=method)
        try:
            with _open_url(request, timeout=60) as response:
                answer: dict[str, Any] = json.load(response)
                return answer
        except HTTPError as error:
            with error:
                text = error.read().decode()
            raise RuntimeError(f"sandbox: {method} {place}: {error.code} {text}") from None
