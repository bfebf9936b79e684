"""A Roboflow whose answers are changed on their way: `twist["/list"] = lambda answer: body` (or another Answer)."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from deployments.roboflow.transport import Answer, send_request

Twist = Callable[[Answer], bytes | Answer]


@pytest.fixture
def twist(monkeypatch: pytest.MonkeyPatch) -> dict[str, Twist]:
    """The changes by path; the real call is made all the same."""
    changes: dict[str, Twist] = {}

    def twisted(session: Any, method: str, url: str, **more: Any) -> Answer:
        answer = send_request(session, method, url, **more)
        change = changes.get("/" + url.split("/", 3)[3])
        found = change(answer) if change else answer
        return found if isinstance(found, Answer) else Answer(answer.status, answer.retry_after, found)

    monkeypatch.setattr("deployments.roboflow.client.send_request", twisted)
    return changes


def with_field(name: str, raw_json: str) -> Twist:
    """Every deployment object gets one more field, written as it is."""

    def put(one: dict[str, Any]) -> str:
        return f"{json.dumps(one)[:-1]}, {json.dumps(name)}: {raw_json}}}"

    def change(answer: Answer) -> bytes | Answer:
        if answer.status != 200:
            return answer
        value = json.loads(answer.body)
        return (f"[{','.join(map(put, value))}]" if isinstance(value, list) else put(value)).encode()

    return change


def with_entries(change: Callable[[list[dict[str, Any]]], list[Any]]) -> Twist:
    """The list, changed."""
    return lambda answer: json.dumps(change(json.loads(answer.body))).encode()


def changed_one(name: str, **fields: Any) -> Twist:
    """One deployment of the list, changed."""
    return with_entries(
        lambda found: [one | fields if one["deployment_name"] == name else one for one in found]
    )
