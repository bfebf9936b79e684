"""Answers gone bad: right on the wire, wrong inside. Pure: an answer in, a worse one out."""

import gzip
import io
import json
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from deployments.sandbox.messages import JSON, Answer

KEPT_WHEN_MISSING = ("deployment_id", "deployment_name", "status", "insert_id", "timestamp", "payload")
HUGE = 20_000
MEBIBYTE = 1 << 20


def spoil(answer: Answer, kind: str, *, size: int | None, text: str | None) -> Answer:
    """Only good answers can go bad: a refusal stays what it is."""
    if kind == "wrong_json":
        return Answer(answer.status, (text or '{"deployments": [oops').encode(), JSON)
    if answer.status != 200 or answer.content_type != JSON:
        return answer
    spoiled = _by_kind(kind, json.loads(answer.body), size or HUGE, text or "hibernating")
    return Answer(200, json.dumps(spoiled).encode(), JSON, answer.headers)


@lru_cache(maxsize=2)
def bomb(mebibytes: int) -> Answer:
    """A small gzip body that unpacks to very much of nothing inside a JSON array."""
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=6) as target:
        target.write(b"[")
        for _ in range(mebibytes):
            target.write(b" " * MEBIBYTE)
        target.write(b"]")
    return Answer(200, packed.getvalue(), JSON, {"Content-Encoding": "gzip"})


def _by_kind(kind: str, found: Any, size: int, text: str) -> Any:
    if kind in _OBJECTS:
        return _each(found, lambda one: _OBJECTS[kind](one, text))
    return _entries(found, lambda entries: _LISTS[kind](entries, size))


def _each(found: Any, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Any:
    """Change every object of a list, or the one object."""
    if isinstance(found, list):
        return [change(one) if isinstance(one, dict) else one for one in found]
    if isinstance(found, dict) and any(isinstance(value, list) for value in found.values()):
        return {
            name: _each(value, change) if isinstance(value, list) else value for name, value in found.items()
        }
    return change(found) if isinstance(found, dict) else found


def _entries(found: Any, change: Callable[[list[Any]], list[Any]]) -> Any:
    """Change the list itself, in either shape."""
    if isinstance(found, list):
        return change(found)
    if isinstance(found, dict):
        return {name: change(value) if isinstance(value, list) else value for name, value in found.items()}
    return found


def _other_type(value: Any) -> Any:
    if isinstance(value, str):
        return [value, 7]
    return {"value": value} if isinstance(value, bool | int | float) else "not so"


def _huge(entries: list[Any], size: int) -> list[Any]:
    pattern = entries[0] if entries and isinstance(entries[0], dict) else {"status": "ready"}
    grown = (
        {**pattern, "deployment_id": f"huge{place:016d}", "deployment_name": f"huge-{place:07d}"}
        for place in range(size)
    )
    return [*entries, *grown][: max(size, len(entries))]


def _with_bad(entries: list[Any], _: int) -> list[Any]:
    middle = len(entries) // 2
    return [
        *entries[:middle],
        "not an object",
        *entries[middle:],
        {"deployment_name": "without-an-id", "status": "ready"},
    ]


_OBJECTS: dict[str, Callable[[dict[str, Any], str], dict[str, Any]]] = {
    "wrong_types": lambda one, _: {name: _other_type(value) for name, value in one.items()},
    "missing_fields": lambda one, _: {
        name: value for name, value in one.items() if name in KEPT_WHEN_MISSING
    },
    "extra_fields": lambda one, _: {
        **one,
        "surprise": {"nested": [1, None, "x"]},
        "gpu_hours": 12.5,
        "": "no name",
    },
    "unknown_status": lambda one, text: {**one, "status": text},
}
_LISTS: dict[str, Callable[[list[Any], int], list[Any]]] = {
    "huge_list": _huge,
    "empty_list": lambda entries, _: [],
    "doubled_entries": lambda entries, _: [one for entry in entries for one in (entry, entry)],
    "bad_entry": _with_bad,
}
KINDS = ("wrong_json", *_OBJECTS, *_LISTS)
