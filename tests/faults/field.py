"""The field of a campaign: a running portal with short leases, people at its forms, and what database and Roboflow say."""

import os
import re
import threading
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import requests

from tests.faults.database import Postgres, Sqlite
from tests.portal_process import PortalProcess, children_of, command_of, until

LEASE_SECONDS, CONFIRM_SECONDS, IDLE_SECONDS = 4, 12, 3
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
PLACE = "/w/acme-vision/"
KEY = "sandbox-key-ana"
DATABASES = {"sqlite": Sqlite, "postgresql": Postgres}


class Person:
    """Somebody signed in, who submits a form again until the portal answers."""

    def __init__(self, url: str, email: str) -> None:
        self.url, self.session = url, requests.Session()
        self.session.trust_env = False
        self.slowest_click = 0.0
        self.token = self.token_of("/accounts/login/")
        self.post("/accounts/login/", {"login": email, "password": "demo-portal"})
        self.token = self.token_of(PLACE)

    def token_of(self, path: str) -> str:
        page = self.session.get(f"{self.url}{path}", timeout=10).text
        return re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)[1]

    def post(self, path: str, fields: dict[str, str]) -> requests.Response:
        return self.session.post(
            f"{self.url}{path}",
            {"csrfmiddlewaretoken": self.token, **fields},
            timeout=10,
            allow_redirects=False,
        )

    def is_up(self) -> bool:
        try:
            return self.session.get(f"{self.url}/healthz", timeout=1).ok
        except requests.RequestException:
            return False

    def ask(self, path: str, fields: dict[str, str], *, seconds: float = 40, ill: bool = False) -> int:
        """Submit a form as people do: again, the same form, until the portal answers. `ill`: its database is away, 5xx is an honest answer. Timed are the clicks
        on a web that is up: one that is just starting keeps them waiting in its socket. Returns the status."""
        deadline = time.monotonic() + seconds
        while True:
            timed, begun = not ill and self.is_up(), time.monotonic()
            try:
                answer = self.post(path, fields)
            except requests.RequestException:
                answer = None
            limited = (
                answer is not None and answer.status_code == 429 and not ill
            )  # a killed web left a counter locked, for 10 s
            if answer is not None and not limited and not (ill and answer.status_code >= 500):
                self.slowest_click = max(self.slowest_click, time.monotonic() - begun if timed else 0)
                assert answer.status_code < 500 and answer.status_code != 429, f"{path}: {answer.status_code}"
                assert "/login/" not in answer.headers.get("Location", ""), f"{path}: signed out"
                return answer.status_code
            assert time.monotonic() < deadline, f"the portal did not answer {path} for {seconds} s"
            time.sleep(0.2)


class Field:
    """A portal, Ana and Ben signed in, and direct sight of the truth."""

    def __init__(self, home: Path, database: str = "sqlite", **environment: str) -> None:
        self.database = DATABASES[database](home)
        self.portal = PortalProcess(home, **SHORT, **self.database.environment, **environment).start()
        self.roboflow = f"http://127.0.0.1:{self.portal.sandbox_port}"
        self.ana, self.ben = (Person(self.portal.url, f"{name}@example.com") for name in ("ana", "ben"))
        self.crowded = False  # everybody clicks twice, and Ben on what Ana clicks on
        self.ill = False  # the database is away: pages may say so

    @property
    def slowest_click(self) -> float:
        return max(self.ana.slowest_click, self.ben.slowest_click)

    def ask(self, path: str, fields: dict[str, str]) -> int | None:
        """Ana asks; in a crowd everybody does, and who is answered what is a race."""
        fields = {"form_token": str(uuid4()), "reason": "a campaign", **fields}
        if not self.crowded:
            return self.ana.ask(path, fields, ill=self.ill)
        posts = [
            (self.ana, fields),
            (self.ana, fields),
            (self.ben, {**fields, "form_token": str(uuid4()), "reason": "me too"}),
        ]
        threads = [threading.Thread(target=person.ask, args=(path, body)) for person, body in posts]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return None

    def create(self, name: str) -> None:
        status = self.ask(
            f"{PLACE}deployments/new/",
            {"deployment_name": name, "machine_type": "prod-cpu", "creator_email": "ana@example.com"},
        )
        assert status != 422, f"{name} is called taken: by what the first post of this form brought about"

    def change(self, one: dict[str, Any], kind: str) -> None:
        self.ask(
            f"{PLACE}deployments/{one['deployment_id']}/{kind}/",
            {"confirm_name": one["deployment_name"]} if kind == "delete" else {},
        )

    # --- what strikes need

    def pid_of(self, part: str) -> int:
        """A part's process id. Waits while the supervisor is bringing the part back."""
        until(lambda: part in self.portal.children(), seconds=40)
        return self.portal.children()[part]

    def family_of(self, part: str) -> list[int]:
        pid = self.pid_of(part)
        return [pid, *children_of(pid)]

    def signal(self, part: str, number: int) -> int:
        """Send a signal to a part's whole session; its process id."""
        pid = self.pid_of(part)
        os.killpg(pid, number)
        return pid

    def environment_of(self, part: str) -> dict[str, str]:
        """What a part was started with: for a second one beside it."""
        words = Path(f"/proc/{self.pid_of(part)}/environ").read_bytes().split(b"\0")
        return dict(word.decode().split("=", 1) for word in words if b"=" in word)

    def broker_socket(self) -> str:
        return re.search(r"\S+/broker\.sock", command_of(self.pid_of("broker")).replace("unixsocket:", " "))[
            0
        ]

    def sandbox(self, method: str, place: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        def answered() -> bool:
            nonlocal found
            try:
                answer = requests.request(
                    method, f"{self.roboflow}/__sandbox/{place}", json=body, timeout=10, proxies={"http": ""}
                )
            except requests.RequestException:
                return False
            assert answer.ok or answer.status_code == 404, answer.text
            found = answer.json() if answer.ok else {}
            return True

        found: dict[str, Any] = {}
        until(answered, seconds=60)
        return found

    # --- what is true

    def rows(self, sql: str) -> list[dict[str, Any]]:
        """Ask the portal's database, reading only."""
        return self.database.rows(sql)

    def standing(self) -> list[dict[str, Any]]:
        """Deployments that the portal shows and that can be asked to change."""
        return self.rows(
            "SELECT * FROM fleet_deployment WHERE gone_at IS NULL AND status IN ('ready', 'paused') ORDER BY deployment_name"
        )

    def reported(self) -> dict[str, tuple[str, str]]:
        """What Roboflow lists now: id to name and status."""
        answer = requests.get(
            f"{self.roboflow}/list", {"api_key": KEY}, timeout=10, proxies={"http": ""}
        ).json()
        entries = answer if isinstance(answer, list) else answer["deployments"]
        return {one["deployment_id"]: (one["deployment_name"], one["status"]) for one in entries}

    def cached(self) -> dict[str, tuple[str, str]]:
        rows = self.rows(
            "SELECT * FROM fleet_deployment WHERE gone_at IS NULL AND status NOT IN ('deleted', 'expired')"
        )
        return {one["deployment_id"]: (one["deployment_name"], one["status"]) for one in rows}

    def operations(self) -> list[dict[str, Any]]:
        return self.rows("SELECT * FROM ledger_operation ORDER BY requested_at")

    def journal(self) -> list[dict[str, Any]]:
        return list(self.sandbox("GET", "journal")["entries"])

    def is_quiet(self) -> bool:
        """Nothing open, every part alive, the cache equal to what Roboflow lists."""
        try:
            ended = not self.rows(
                "SELECT 1 FROM ledger_operation WHERE state IN ('queued', 'sending', 'accepted', 'unknown')"
            )
            return ended and self.portal.status("/readyz") == 200 and self.reported() == self.cached()
        except (requests.RequestException, ValueError, KeyError):
            return False

    def until_quiet(self, *, seconds: float) -> float:
        begun = time.monotonic()
        until(self.is_quiet, seconds=seconds, why=lambda: f"not quiet after {seconds} s: {self.unrest()}")
        return time.monotonic() - begun

    def unrest(self) -> str:
        open_ones = [
            (one["kind"], one["target_name"], one["state"])
            for one in self.operations()
            if one["ended_at"] is None
        ]
        return f"open: {open_ones}; /readyz {self.portal.status('/readyz')}; the cache and Roboflow differ by {set(self.reported().items()) ^ set(self.cached().items())}"

    def stop(self) -> None:
        self.portal.stop()
        self.database.stop()
