"""The sandbox as a real process, for every test that needs an imitation of Roboflow."""

import atexit
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Self
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import ProxyHandler, Request, build_opener

ROOT = Path(__file__).resolve().parent.parent
PREFIX = "SANDBOX_"
# Connect directly, also if the machine has a proxy configured.
_open_url = build_opener(ProxyHandler({})).open


class SandboxProcess:
    """A sandbox process with its own state file in `folder`.

    A restart clears the faults and the calls, but not the journal.
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

    def fault(
        self, endpoint: str | list[str], kind: str, count: int | None = None, **options: object
    ) -> None:
        """Apply the fault to the next `count` calls of the endpoint ("*" for any); 0 means until cleared.

        Without a count it is one call, or any number for the kinds that last and with `for_seconds`. The
        kinds, groups of endpoints and options are in deployments/sandbox/faults.py.
        """
        given = {} if count is None else {"count": count}
        self.control("POST", "faults", {"endpoint": endpoint, "kind": kind, **given, **options})

    def clear_faults(self) -> None:
        """Heal all faults, set Roboflow's clock right, and release the calls that wait."""
        self.control("DELETE", "faults")

    def heal(self, endpoint: str | list[str] | None = None, kind: str | None = None) -> None:
        """Heal the faults that were ordered for this endpoint and of this kind (None: any)."""
        given = {"endpoint": endpoint, "kind": kind}
        self.control("DELETE", "faults", {name: value for name, value in given.items() if value is not None})

    def silence(
        self,
        *endpoints: str,
        for_seconds: float | None = None,
        after: bool = False,
        then: str = "close",
        **options: object,
    ) -> None:
        """Accept the calls and do not answer them, for so long or until healed; without an endpoint, all.

        With `after` a call is processed first. When it is over, `then` decides about the calls that wait:
        `close` them, `answer` them, or also `process` those whose client has gone.
        """
        kind = "silence_after" if after else "silence"
        self._strike(endpoints, kind, for_seconds=for_seconds, then=then, **options)

    def lag(self, *endpoints: str, seconds: float | None = None, **options: object) -> None:
        """Answer reads with what was true so many seconds ago; None freezes what is true now.

        With `varies=True` each answer is of another age, up to `seconds`. Without an endpoint: list and get.
        """
        self._strike(endpoints, "stale", seconds=seconds, **options)

    def partial(
        self,
        endpoint: str,
        *fields: str,
        how: str = "absent",
        entry: str | int = "*",
        **options: object,
    ) -> None:
        """Leave out or spoil the named fields (none named: all) of all entries, or of one.

        `how` is `absent`, `null`, `empty`, `wrong_type`, or `value` with the option `value`. `entry` is a
        name, an id or a place in the list.
        """
        names = list(fields) or "*"
        self._strike((endpoint,), "partial", fields=names, how=how, entry=entry, **options)

    def refuse_keys(self, *endpoints: str, for_seconds: float | None = None, **options: object) -> None:
        """Answer 401 to all keys, or to that of the option `key`; without an endpoint, at the key check too.

        The endpoint `deployments` means all but the key check.
        """
        self._strike(endpoints, "unauthorized", for_seconds=for_seconds, **options)

    def limit_rate(
        self,
        *endpoints: str,
        for_seconds: float | None = None,
        retry_after: object = None,
        form: str = "seconds",
        **options: object,
    ) -> None:
        """Answer 429 with a Retry-After in seconds, or with `form="date"` as a date.

        Without `retry_after` it is what is left of `for_seconds`; "none" sends no header.
        """
        self._strike(
            endpoints,
            "rate_limited",
            for_seconds=for_seconds,
            retry_after=retry_after,
            retry_after_form=form,
            **options,
        )

    def set_clock(self, seconds: float, *, step: bool = False, for_seconds: float | None = None) -> None:
        """Put Roboflow's clock ahead by so many seconds, or behind if negative.

        With `step`, log lines that were written before keep their timestamps.
        """
        self._strike((), "clock", seconds=seconds, step=step, for_seconds=for_seconds)

    def send_cookies(self, *endpoints: str, **options: object) -> None:
        """Let answers set a session cookie that names the key; see `received` for what came back."""
        self._strike(endpoints, "cookie", **options)

    def settle_slowly(self, *endpoints: str, seconds: float | None = None, **options: object) -> None:
        """Accept changes whose effect is reported after so many seconds only; None means never."""
        self._strike(endpoints, "slow_settle", seconds=seconds, **options)

    def _strike(self, endpoints: tuple[str, ...], kind: str, **options: object) -> None:
        """Order the fault for each endpoint by itself, so that each can be healed by itself."""
        given = {name: value for name, value in options.items() if value is not None}
        for endpoint in endpoints or ("*",):
            self.fault(endpoint, kind, **given)

    def hanging(self) -> int:
        """Return how many calls wait without an answer now."""
        return int(self.control("GET", "faults")["hanging"])

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

    def received(self, endpoint: str | None = None, since: int = 0) -> list[dict[str, Any]]:
        """Return the calls received, reads too, oldest first: those after the call with the number `since`.

        Each has `sequence`, `time`, `endpoint`, `method`, `by`, `deployment_name`, `cookie` and `status`.
        """
        place = f"calls?since={since}" + (f"&endpoint={quote(endpoint, safe='')}" if endpoint else "")
        answer = self.control("GET", place)
        assert answer["first_listed"] <= since + 1 or since == 0, "older calls are not listed any more"
        return list(answer["calls"])

    def last_call(self) -> int:
        """Return the number of the last call received, to count from there."""
        return int(self.control("GET", f"calls?since={sys.maxsize}")["last"])

    def call_count(self, *endpoints: str, since: int = 0) -> int:
        """Return how many calls of the endpoints (none: all) came after the call with the number `since`."""
        return sum(not endpoints or call["endpoint"] in endpoints for call in self.received(since=since))

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
