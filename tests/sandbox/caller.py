"""A minimal client of Roboflow's API, and a function that waits for a condition."""

import time
from collections.abc import Callable
from typing import Any

import requests


class Caller:
    """Sends requests as a client of Roboflow's API does, with Ana's key by default."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.session = requests.Session()
        # Ignore the proxy settings of the machine.
        self.session.trust_env = False

    def get(self, path: str, *, key: str = "sandbox-key-ana", **query: object) -> requests.Response:
        """Send a GET with the key and the parameters in the query."""
        return self.session.get(
            self.url + path,
            params={"api_key": key, **query},
            timeout=20,
            allow_redirects=False,
        )

    def post(self, path: str, *, key: str = "sandbox-key-ana", **fields: object) -> requests.Response:
        """Send a POST with the key and the parameters in its JSON body."""
        return self.session.post(
            self.url + path,
            json={"api_key": key, **fields},
            timeout=20,
            allow_redirects=False,
        )

    def send(self, method: str, path: str, **options: Any) -> requests.Response:
        """Send a request without adding a key; `options` are those of `requests.request`."""
        return self.session.request(method, self.url + path, timeout=20, **options)

    def add_deployment(self, name: str = "new-camera", **fields: object) -> requests.Response:
        """Create a deployment; `fields` replace the defaults of the required fields or are sent with them."""
        required = {
            "deployment_name": name,
            "machine_type": "prod-cpu",
            "creator_email": "ana@example.com",
        }
        return self.post("/add", **{**required, **fields})

    def status_of(self, name: str) -> str:
        """Return the status that `/get` reports."""
        return str(self.get("/get", deployment_name=name).json()["status"])

    def get_log(self, name: str, **query: object) -> list[dict[str, str]]:
        """Return the log entries of `/get_log`, newest first."""
        entries: list[dict[str, str]] = self.get("/get_log", deployment_name=name, **query).json()
        return entries

    def wait_for_status(self, name: str, status: str) -> None:
        """Wait until the deployment has the status; fail after five seconds."""
        wait_until(lambda: self.status_of(name) == status)


def wait_until(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    """Wait until the condition is true; fail after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"the condition was not true within {seconds} seconds"
        time.sleep(0.02)
