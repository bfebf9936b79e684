"""A person who watches a log during a run, and eyes on what must never be seen, not even for a moment."""

import random
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import requests

from tests.faults.database import ERRORS
from tests.faults.running_portal import WORKSPACE_PATH, RunningPortal

EVERY_SECONDS, PAGE_EVERY_SECONDS = 0.5, 2.5
FACTS = (
    "deployment_name",
    "machine_type",
    "creator_email",
    "creator_id",
    "subdomain",
    "domain",
    "duration_hours",
    "inference_version",
    "min_replicas",
    "max_replicas",
    "num_replicas",
    "status",
)
ROWS = f"SELECT deployment_id, {', '.join(FACTS)} FROM fleet_deployment"


class Watch:
    """Looks at the portal in a thread, every half second. `broken` has a sentence for all that is wrong."""

    def __init__(
        self, running: RunningPortal, rng: random.Random, *, stays_ready: bool, is_log_open: bool
    ) -> None:
        self.running, self.stays_ready = running, stays_ready
        self.watched = rng.choice(running.changeable())["deployment_id"] if is_log_open else ""
        self.broken: list[str] = []
        self.first_call = running.last_call()
        self.began, self.started = datetime.now(tz=UTC), time.monotonic()
        self.first_event = running.rows("SELECT max(sequence) AS last FROM audit_event")[0]["last"] or 0
        self._known: dict[str, dict[str, Any]] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *args: object) -> None:
        self._ended.set()
        self._thread.join()
        self.seconds = time.monotonic() - self.started

    def reads_per_second(self) -> float:
        """Return how many reads of Roboflow the portal made each second."""
        reads = [one for one in self.running.calls_since(self.first_call) if one["method"] == "GET"]
        return len(reads) / self.seconds

    def _look(self) -> None:
        page_at = 0.0
        while not self._ended.wait(EVERY_SECONDS):
            with suppress(*ERRORS, requests.RequestException, OSError):
                self.broken += [one for one in self.find_blanked() if one not in self.broken]
                if self.stays_ready and self.running.process.status("/readyz") == 503:
                    self.broken.append("I18: /readyz says not ready")
                if self.watched and time.monotonic() >= page_at:
                    page_at = time.monotonic() + PAGE_EVERY_SECONDS
                    path = f"{WORKSPACE_PATH}deployments/{self.watched}/logs/"
                    self.running.vera.session.get(f"{self.running.process.url}{path}", timeout=5)

    def find_blanked(self) -> list[str]:
        """I19: return a sentence for each value of a deployment that was known and is blank now."""
        found = []
        for row in self.running.rows(ROWS):
            known = self._known.setdefault(row["deployment_id"], {})
            for name in FACTS:
                if row[name] not in ("", None):
                    known[name] = row[name]
                elif name in known:
                    found.append(f"I19: {name} of {row['deployment_id']} is blank and was {known[name]}")
        return found
