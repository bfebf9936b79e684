"""Change Roboflow's answers on their way: `twist["/list"] = lambda answer: body` (or another Answer)."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from deployments.roboflow.transport import Answer, send_request

Twist = Callable[[Answer], bytes | Answer]


@pytest.fixture
def twist(monkeypatch: pytest.MonkeyPatch) -> dict[str, Twist]:
    """Return a dict to which tests add path to change. Each call is made; then its answer is changed."""
    changes: dict[str, Twist] = {}

    def twisted(session: Any, method: str, url: str, **more: Any) -> Answer:
        answer = send_request(session, method, url, **more)
        change = changes.get("/" + url.split("/", 3)[3])
        changed = change(answer) if change else answer
        return changed if isinstance(changed, Answer) else Answer(answer.status, answer.retry_after, changed)

    monkeypatch.setattr("deployments.roboflow.client.send_request", twisted)
    return changes


def with_field(name: str, raw_json: str) -> Twist:
    """Return a change that adds a field to every deployment; its value is any text, also what is no JSON."""

    def with_value(deployment: dict[str, Any]) -> str:
        return f"{json.dumps(deployment)[:-1]}, {json.dumps(name)}: {raw_json}}}"

    def change(answer: Answer) -> bytes | Answer:
        if answer.status != 200:
            return answer
        value = json.loads(answer.body)
        if isinstance(value, list):
            return f"[{','.join(map(with_value, value))}]".encode()
        return with_value(value).encode()

    return change


def with_entries(change: Callable[[list[dict[str, Any]]], list[Any]]) -> Twist:
    """Return a change of the list of deployments."""
    return lambda answer: json.dumps(change(json.loads(answer.body))).encode()


def without(name: str) -> Twist:
    """Return a change that takes one deployment out of the list."""
    return with_entries(lambda found: [one for one in found if one["deployment_name"] != name])


def changed_one(name: str, **fields: Any) -> Twist:
    """Return a change of the fields of one deployment in the list."""

    def change(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [one | fields if one["deployment_name"] == name else one for one in entries]

    return with_entries(change)
