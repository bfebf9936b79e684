"""The field of a campaign: a running portal with short leases, somebody at its forms, and what database and Roboflow say."""

import os
import re
import sqlite3
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import requests

from tests.portal_process import PortalProcess, command_of, until

LEASE_SECONDS, CONFIRM_SECONDS, IDLE_SECONDS = 4, 12, 3
SHORT = {
    "SYNC_ACTIVE_SECONDS": "1", "SYNC_IDLE_SECONDS": str(IDLE_SECONDS), "SWEEP_SECONDS": "1", "OPERATION_LEASE_SECONDS": str(LEASE_SECONDS),
    "OPERATION_CONFIRM_SECONDS": str(CONFIRM_SECONDS), "ROBOFLOW_CONNECT_TIMEOUT_SECONDS": "1", "ROBOFLOW_READ_TIMEOUT_SECONDS": "2",
    "PORTAL_LOG_LEVEL": "DEBUG", "SANDBOX_BOOT_SECONDS": "0.5", "SANDBOX_TRANSITION_SECONDS": "0.3",
}  # fmt: skip
PLACE = "/w/acme-vision/"
KEY = "sandbox-key-ana"


class Field:
    """A portal, Ana signed in, and direct sight of the truth."""

    def __init__(self, home: Path) -> None:
        self.portal = PortalProcess(home, **SHORT).start()
        self.roboflow = f"http://127.0.0.1:{self.portal.sandbox_port}"
        self.people = requests.Session()
        self.people.trust_env = False
        self.slowest_click = 0.0
        self.sign_in()

    def sign_in(self) -> None:
        page = self.people.get(f"{self.portal.url}/accounts/login/", timeout=10).text
        self.token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)[1]
        self.post("/accounts/login/", {"login": "ana@example.com", "password": "demo-portal"})
        page = self.people.get(f"{self.portal.url}{PLACE}", timeout=10).text
        self.token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)[1]

    def post(self, path: str, fields: dict[str, str]) -> requests.Response:
        return self.people.post(f"{self.portal.url}{path}", {"csrfmiddlewaretoken": self.token, **fields}, timeout=10, allow_redirects=False)

    def ask(self, path: str, fields: dict[str, str], *, seconds: float = 40) -> None:
        """Submit a form as people do: again, the same form, until the portal answers."""
        fields = {"form_token": str(uuid4()), "reason": "a campaign", **fields}
        deadline = time.monotonic() + seconds
        while True:
            begun = time.monotonic()
            try:
                answer = self.post(path, fields)
            except requests.RequestException:
                assert time.monotonic() < deadline, f"the portal did not answer {path} for {seconds} s"
                time.sleep(0.2)
                continue
            self.slowest_click = max(self.slowest_click, time.monotonic() - begun)
            assert answer.status_code < 500, f"{path}: {answer.status_code}"
            return

    def create(self, name: str) -> None:
        self.ask(f"{PLACE}deployments/new/", {"deployment_name": name, "machine_type": "prod-cpu", "creator_email": "ana@example.com"})

    def change(self, one: dict[str, Any], kind: str) -> None:
        self.ask(f"{PLACE}deployments/{one['deployment_id']}/{kind}/", {"confirm_name": one["deployment_name"]} if kind == "delete" else {})

    # --- what strikes need

    def signal(self, part: str, number: int) -> int:
        """Send a signal to a part's whole session; its process id. Waits while the supervisor is bringing the part back."""
        until(lambda: part in self.portal.children(), seconds=40)
        pid = self.portal.children()[part]
        os.killpg(pid, number)
        return pid

    def broker_socket(self) -> str:
        until(lambda: "broker" in self.portal.children(), seconds=40)
        return re.search(r"\S+/broker\.sock", command_of(self.portal.children()["broker"]).replace("unixsocket:", " "))[0]

    def sandbox(self, method: str, place: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        def answered() -> bool:
            nonlocal found
            try:
                answer = requests.request(method, f"{self.roboflow}/__sandbox/{place}", json=body, timeout=10, proxies={"http": ""})
            except requests.RequestException:
                return False
            assert answer.ok or answer.status_code == 404, answer.text
            found = answer.json() if answer.ok else {}
            return True

        found: dict[str, Any] = {}
        until(answered, seconds=60)
        return found

    # --- what is true

    def rows(self, sql: str, *values: object) -> list[dict[str, Any]]:
        """Ask the portal's database, reading only."""
        database = sqlite3.connect(f"file:{self.portal.home / 'portal.sqlite3'}?mode=ro", uri=True, timeout=20)
        database.row_factory = sqlite3.Row
        try:
            return [dict(row) for row in database.execute(sql, values)]
        finally:
            database.close()

    def standing(self) -> list[dict[str, Any]]:
        """Deployments that the portal shows and that can be asked to change."""
        return self.rows("SELECT * FROM fleet_deployment WHERE gone_at IS NULL AND status IN ('ready', 'paused') ORDER BY deployment_name")

    def reported(self) -> dict[str, tuple[str, str]]:
        """What Roboflow lists now: id to name and status."""
        answer = requests.get(f"{self.roboflow}/list", {"api_key": KEY}, timeout=10, proxies={"http": ""}).json()
        entries = answer if isinstance(answer, list) else answer["deployments"]
        return {one["deployment_id"]: (one["deployment_name"], one["status"]) for one in entries}

    def cached(self) -> dict[str, tuple[str, str]]:
        rows = self.rows("SELECT * FROM fleet_deployment WHERE gone_at IS NULL AND status NOT IN ('deleted', 'expired')")
        return {one["deployment_id"]: (one["deployment_name"], one["status"]) for one in rows}

    def operations(self) -> list[dict[str, Any]]:
        return self.rows("SELECT * FROM operations_operation ORDER BY requested_at")

    def journal(self) -> list[dict[str, Any]]:
        return list(self.sandbox("GET", "journal")["entries"])

    def is_quiet(self) -> bool:
        """Nothing open, every part alive, the cache equal to what Roboflow lists."""
        try:
            ended = not self.rows("SELECT 1 FROM operations_operation WHERE state IN ('queued', 'sending', 'accepted', 'unknown')")
            return ended and self.portal.status("/readyz") == 200 and self.reported() == self.cached()
        except (requests.RequestException, ValueError, KeyError):
            return False

    def until_quiet(self, *, seconds: float) -> float:
        begun = time.monotonic()
        until(self.is_quiet, seconds=seconds, why=lambda: f"not quiet after {seconds} s: {self.unrest()}")
        return time.monotonic() - begun

    def unrest(self) -> str:
        open_ones = [(one["kind"], one["target_name"], one["state"]) for one in self.operations() if one["ended_at"] is None]
        return f"open: {open_ones}; /readyz {self.portal.status('/readyz')}; the cache and Roboflow differ by {set(self.reported().items()) ^ set(self.cached().items())}"

    def stop(self) -> None:
        self.portal.stop()
