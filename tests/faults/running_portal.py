"""The portal under test: it runs with short leases, Ana and Ben use its forms, and its data can be read."""

import os
import re
import threading
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import requests

from tests.faults.database import Postgres, Sqlite
from tests.faults.person import Person
from tests.portal_process import ROOT, PortalProcess, children_of, command_of, until

LEASE_SECONDS, CONFIRM_SECONDS, IDLE_SECONDS = 4, 12, 6
SHORT = {
    "SYNC_ACTIVE_SECONDS": "1",
    "SYNC_IDLE_SECONDS": str(IDLE_SECONDS),
    "SWEEP_SECONDS": "1",
    "OPERATION_LEASE_SECONDS": str(LEASE_SECONDS),
    "OPERATION_CONFIRM_SECONDS": str(CONFIRM_SECONDS),
    "ROBOFLOW_CONNECT_TIMEOUT_SECONDS": "1",
    "ROBOFLOW_READ_TIMEOUT_SECONDS": "2",
    "PORTAL_LOG_LEVEL": "DEBUG",
    "PORTAL_LOG_FORMAT": "json",
    "SANDBOX_BOOT_SECONDS": "0.5",
    "SANDBOX_TRANSITION_SECONDS": "0.3",
}
WORKSPACE_PATH = "/w/acme-vision/"
KEY = "sandbox-key-ana"
OBSERVER = "observer"  # the nick of the test's own key, whose calls are not the portal's
CLOCKS = ROOT / "tests" / "faults" / "clock"  # the path on which a process finds the clock of CLOCK_FILE
NAMES = ("ana", "ben", "vera")
DATABASES = {"sqlite": Sqlite, "postgresql": Postgres}
CHANGEABLE = """SELECT * FROM fleet_deployment
    WHERE gone_at IS NULL AND status IN ('ready', 'paused') ORDER BY deployment_name"""
CACHED = "SELECT * FROM fleet_deployment WHERE gone_at IS NULL AND status NOT IN ('deleted', 'expired')"
OPEN = "SELECT 1 FROM ledger_operation WHERE state IN ('queued', 'sending', 'accepted', 'unknown')"

IN_DOUBT = "SELECT id, state FROM keys_apikey WHERE state = 'doubted'"


class RunningPortal:
    """A portal on its own database, people who are signed in, and direct reads of what is true."""

    ana: Person
    ben: Person
    vera: Person

    def __init__(self, home: Path, database: str = "sqlite", **environment: str) -> None:
        self.kind_of_database, self.environment = database, environment
        self.clock_file = home.parent / f"{home.name}.clock"
        self.set_clocks("0")
        self.is_crowded = False  # each form is posted twice at once, and by Ben too
        self.is_database_away = False  # pages may answer 5xx
        self.real_times: dict[str, tuple[str, str]] = {}  # of operations that a wrong clock has timed
        self.use_machine(home)
        self.process.start()
        self.sign_in()
        self.sandbox("POST", "keys", {"key": OBSERVER, "workspace": "acme-vision", "nick": OBSERVER})

    def use_machine(self, home: Path, **ports: int) -> None:
        """Make a database and the settings of a portal that does not run yet."""
        self.database = DATABASES[self.kind_of_database](home)
        clock = {"CLOCK_FILE": str(self.clock_file), "PYTHONPATH": str(CLOCKS)}
        settings = {**SHORT, **clock, **self.database.environment, **self.environment}
        self.process = PortalProcess(home, **ports, **settings)
        self.roboflow_url = f"http://127.0.0.1:{self.process.sandbox_port}"

    def sign_in(self) -> None:
        """Sign in Ana and Ben, who work, and Vera, who may only read."""
        people = {
            name: Person(self.process.url, f"{name}@example.com", page=WORKSPACE_PATH) for name in NAMES
        }
        for name, person in people.items():
            if former := getattr(self, name, None):
                person.slowest_click_seconds = former.slowest_click_seconds
            setattr(self, name, person)

    def set_clocks(self, text: str) -> None:
        """Set the clocks of the portal's processes; see tests/faults/clock/sitecustomize.py."""
        self.clock_file.write_text(text)

    @property
    def slowest_click_seconds(self) -> float:
        """Return the slowest answer to a click while web was up and the database was there."""
        return max(self.ana.slowest_click_seconds, self.ben.slowest_click_seconds)

    def stop(self) -> None:
        """Stop the portal, unless a restore left it without processes, and its database."""
        if hasattr(self.process, "process"):
            self.process.stop()
        self.database.stop()

    # --- forms

    def submit(self, path: str, fields: dict[str, str]) -> int | None:
        """Let Ana submit a form and return the status; None in a crowd, where answers are a race."""
        fields = {"form_token": str(uuid4()), "reason": "a campaign", **fields}
        if not self.is_crowded:
            return self.ana.submit(path, fields, is_database_away=self.is_database_away)
        of_ben = {**fields, "form_token": str(uuid4()), "reason": "me too"}
        posts = [(self.ana, fields), (self.ana, fields), (self.ben, of_ben)]
        threads = [threading.Thread(target=person.submit, args=(path, body)) for person, body in posts]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return None

    def create(self, name: str) -> None:
        """Ask for a deployment with a name that no other one has."""
        status = self.submit(
            f"{WORKSPACE_PATH}deployments/new/",
            {"deployment_name": name, "machine_type": "prod-cpu", "creator_email": "ana@example.com"},
        )
        assert status != 422, f"{name} is refused: a lost first post of this form has created it"

    def change(self, deployment: dict[str, Any], kind: str) -> None:
        """Ask for a change of a deployment."""
        path = f"{WORKSPACE_PATH}deployments/{deployment['deployment_id']}/{kind}/"
        self.submit(path, {"confirm_name": deployment["deployment_name"]} if kind == "delete" else {})

    # --- processes and sandbox

    def pid_of(self, part: str) -> int:
        """Return a part's process id. Wait while the supervisor starts it again."""
        until(lambda: part in self.process.children(), seconds=40)
        return self.process.children()[part]

    def family_of(self, part: str) -> list[int]:
        """Return the process ids of a part and its children."""
        pid = self.pid_of(part)
        return [pid, *children_of(pid)]

    def signal(self, part: str, number: int) -> int:
        """Send a signal to a part and all that it started; return the part's process id."""
        pid = self.pid_of(part)
        os.killpg(pid, number)
        return pid

    def environment_of(self, part: str) -> dict[str, str]:
        """Return the environment of a part, to start a second one."""
        entries = Path(f"/proc/{self.pid_of(part)}/environ").read_bytes().split(b"\0")
        return dict(entry.decode().split("=", 1) for entry in entries if b"=" in entry)

    def broker_socket(self) -> str:
        """Return the path of the broker's socket, from its command line."""
        command = command_of(self.pid_of("broker")).replace("unixsocket:", " ")
        return re.search(r"\S+/broker\.sock", command)[0]

    def sandbox(self, method: str, place: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Call `/__sandbox/<place>` and return its JSON, {} for a 404. Repeat for a minute if need be."""
        url, found = f"{self.roboflow_url}/__sandbox/{place}", {}

        def is_answered() -> bool:
            nonlocal found
            try:
                answer = requests.request(method, url, json=body, timeout=10, proxies={"http": ""})
            except requests.RequestException:
                return False
            assert answer.ok or answer.status_code == 404, answer.text
            found = answer.json() if answer.ok else {}
            return True

        until(is_answered, seconds=60)
        return found

    # --- what is true

    def rows(self, sql: str) -> list[dict[str, Any]]:
        """Return the rows of a read-only query of the portal's database."""
        return self.database.rows(sql)

    def changeable(self) -> list[dict[str, Any]]:
        """Return the deployments that the portal shows as ready or paused."""
        return self.rows(CHANGEABLE)

    def operations(self) -> list[dict[str, Any]]:
        """Return all operations, oldest first, with the real times of those that a wrong clock has timed."""
        rows = self.rows("SELECT * FROM ledger_operation ORDER BY requested_at")
        for one in rows:
            if one["id"] in self.real_times:
                one["requested_at"], one["ended_at"] = self.real_times[one["id"]]
        return rows

    def has_open_operations(self) -> bool:
        """Say whether an operation has not ended."""
        return bool(self.rows(OPEN))

    def journal(self) -> list[dict[str, Any]]:
        """Return the changes that Roboflow made for the portal, oldest first."""
        return list(self.sandbox("GET", "journal")["entries"])

    def ask_roboflow(self, path: str, **parameters: object) -> Any:
        """Return the JSON of a call with the test's own key."""
        query, direct = {"api_key": OBSERVER, **parameters}, {"http": ""}
        return requests.get(f"{self.roboflow_url}{path}", query, timeout=10, proxies=direct).json()

    def last_call(self) -> int:
        """Return the number of the last call that Roboflow received."""
        return int(self.sandbox("GET", "calls?since=999999999")["last"])

    def calls_since(self, number: int) -> list[dict[str, Any]]:
        """Return the portal's calls after that number; all of them when the sandbox was started anew."""
        since = number if self.last_call() >= number else 0
        calls = self.sandbox("GET", f"calls?since={since}")["calls"]
        return [one for one in calls if one["by"] != OBSERVER]

    def reported(self) -> dict[str, tuple[str, str]]:
        """Return what Roboflow lists now: id to name and status."""
        answer = self.ask_roboflow("/list")
        entries = answer if isinstance(answer, list) else answer["deployments"]
        return {one["deployment_id"]: (one["deployment_name"], one["status"]) for one in entries}

    def cached(self) -> dict[str, tuple[str, str]]:
        """Return what the portal shows: id to name and status."""
        return {one["deployment_id"]: (one["deployment_name"], one["status"]) for one in self.rows(CACHED)}

    # --- rest

    def is_at_rest(self) -> bool:
        """Say whether all is ended and live, no key is in doubt, and the cache equals Roboflow's list."""
        try:
            is_ready = self.process.status("/readyz") == 200
            is_done = not self.has_open_operations() and not self.rows(IN_DOUBT)
            return is_ready and is_done and self.reported() == self.cached()
        except (requests.RequestException, ValueError, KeyError):
            return False

    def wait_for_rest(self, *, seconds: float) -> float:
        """Wait until the portal is at rest and return the seconds that took. Fail after `seconds`."""
        started = time.monotonic()
        until(self.is_at_rest, seconds=seconds, why=lambda: f"no rest after {seconds} s: {self.unrest()}")
        return time.monotonic() - started

    def unrest(self) -> str:
        """Return what keeps the portal from rest, for the message of a failed test."""
        open_operations = [
            (one["kind"], one["target_name"], one["state"])
            for one in self.operations()
            if one["ended_at"] is None
        ]
        differences = set(self.reported().items()) ^ set(self.cached().items())
        ready = self.process.status("/readyz")
        doubted = len(self.rows(IN_DOUBT))
        return (
            f"open: {open_operations}; /readyz {ready}; {doubted} keys in doubt; "
            f"cache and Roboflow differ by {differences}"
        )
