"""A plain caller of Roboflow's API, and waiting for what must become true."""

import time
from collections.abc import Callable
from typing import Any

import requests


class Caller:
    """What a client of Roboflow's API would send, with Ana's key unless told otherwise."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.session = requests.Session()
        self.session.trust_env = False

    def get(self, path: str, *, key: str = "sandbox-key-ana", **query: object) -> requests.Response:
        return self.session.get(
            self.url + path, params={"api_key": key, **query}, timeout=20, allow_redirects=False
        )

    def post(self, path: str, *, key: str = "sandbox-key-ana", **fields: object) -> requests.Response:
        return self.session.post(
            self.url + path, json={"api_key": key, **fields}, timeout=20, allow_redirects=False
        )

    def raw(self, method: str, path: str, **more: Any) -> requests.Response:
        return self.session.request(method, self.url + path, timeout=20, **more)

    def add(self, name: str = "new-camera", **fields: object) -> requests.Response:
        return self.post(
            "/add",
            **{
                "deployment_name": name,
                "machine_type": "prod-cpu",
                "creator_email": "ana@example.com",
                **fields,
            },
        )

    def status(self, name: str) -> str:
        return str(self.get("/get", deployment_name=name).json()["status"])

    def log(self, name: str, **query: object) -> list[dict[str, str]]:
        found: list[dict[str, str]] = self.get("/get_log", deployment_name=name, **query).json()
        return found

    def wait(self, name: str, status: str) -> None:
        until(lambda: self.status(name) == status)


def until(holds: Callable[[], bool], seconds: float = 5.0) -> None:
    """Wait for what must become true."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not become true in time"
        time.sleep(0.02)
