"""Corrupted answers: pure functions that turn a good answer into one with a wrong body."""

import gzip
import io
import json
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, Protocol

from deployments.sandbox.messages import JSON, Answer

# What the fault `missing_fields` leaves: without these a client cannot identify an entry.
ESSENTIAL_FIELDS = ("deployment_id", "deployment_name", "status", "insert_id", "timestamp", "payload")
# The fields by which a test can choose an entry.
IDENTIFYING_FIELDS = ("deployment_id", "deployment_name", "insert_id")
# The names of the fields that contain a list of objects; a deployment is never taken for such a wrapper.
WRAPPERS = ("deployments", "machine_types", "usage")
# What can be wrong with a field of a partial answer.
WAYS = ("absent", "null", "empty", "wrong_type", "value")
DEFAULT_HUGE_COUNT = 20_000
MEBIBYTE = 1 << 20


class Partial(Protocol):
    """What is wrong in a partial answer: the order of a fault `partial`.

    `fields` are names of fields, or "*" for all that the entry has. `how` is one of WAYS; `value` is the
    value that `value` gives. `entry` is "*" for all entries, the name or id of one, or its place in the list.
    """

    fields: str | list[str]
    how: str
    value: Any
    entry: str | int


def make_partial(answer: Answer, partials: Iterable[Partial]) -> Answer:
    """Return the answer with missing or wrong fields; one that is not 200 with JSON stays as it is."""
    if answer.status != 200 or answer.content_type != JSON:
        return answer
    value = json.loads(answer.body)
    # The entries are chosen before the first change: another order may change a field that identifies them.
    chosen = [(partial, _choose_entries(value, partial.entry)) for partial in partials]
    for partial, entries in chosen:
        for entry in entries:
            _spoil_fields(entry, partial)
    return Answer(200, json.dumps(value).encode(), JSON, answer.headers)


def corrupt_answer(answer: Answer, kind: str, *, size: int | None, text: str | None) -> Answer:
    """Return the answer as the fault `kind` changes it; an answer that is not 200 with JSON stays as it is.

    `wrong_json` replaces every answer. `size` is the number of entries of `huge_list`; `text` is the body of
    `wrong_json` or the status of `unknown_status`.
    """
    if kind == "wrong_json":
        return Answer(answer.status, (text or '{"deployments": [oops').encode(), JSON)
    if answer.status != 200 or answer.content_type != JSON:
        return answer
    corrupted = _corrupt_value(
        kind, json.loads(answer.body), size or DEFAULT_HUGE_COUNT, text or "hibernating"
    )
    return Answer(200, json.dumps(corrupted).encode(), JSON, answer.headers)


@lru_cache(maxsize=2)
def gzip_bomb(mebibytes: int) -> Answer:
    """Return a small gzip body that unpacks to a JSON array with so many mebibytes of blanks in it."""
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=6) as target:
        target.write(b"[")
        for _ in range(mebibytes):
            target.write(b" " * MEBIBYTE)
        target.write(b"]")
    return Answer(200, packed.getvalue(), JSON, {"Content-Encoding": "gzip"})


def _corrupt_value(kind: str, value: Any, size: int, text: str) -> Any:
    if kind in _OBJECT_FAULTS:
        return _change_objects(value, lambda entry: _OBJECT_FAULTS[kind](entry, text))
    return _change_list(value, lambda entries: _LIST_FAULTS[kind](entries, size))


def _change_objects(value: Any, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Any:
    """Change every object of a list, bare or wrapped in an object, or else the one object."""
    if isinstance(value, list):
        return [change(entry) if isinstance(entry, dict) else entry for entry in value]
    if not isinstance(value, dict):
        return value
    if any(isinstance(value.get(name), list) for name in WRAPPERS):
        return {
            name: _change_objects(item, change) if isinstance(item, list) else item
            for name, item in value.items()
        }
    return change(value)


def _choose_entries(value: Any, entry: str | int) -> list[dict[str, Any]]:
    """Return the chosen objects of a list, bare or wrapped, or the one object of the answer."""
    if isinstance(value, dict):
        wrapped = next((value[name] for name in WRAPPERS if isinstance(value.get(name), list)), None)
        value = [value] if wrapped is None else wrapped
    return [
        one
        for place, one in enumerate(value)
        if isinstance(one, dict) and entry in ("*", place, *(one.get(name) for name in IDENTIFYING_FIELDS))
    ]


def _spoil_fields(entry: dict[str, Any], partial: Partial) -> None:
    """Change the fields of the entry as the order says. A field that is not there appears, unless absent."""
    for name in list(entry) if partial.fields == "*" else partial.fields:
        if partial.how == "absent":
            entry.pop(name, None)
        elif partial.how == "wrong_type":
            entry[name] = _wrong_type(entry.get(name))
        else:
            entry[name] = {"null": None, "empty": "", "value": partial.value}[partial.how]


def _change_list(value: Any, change: Callable[[list[Any]], list[Any]]) -> Any:
    """Change the list itself, bare or wrapped in an object."""
    if isinstance(value, list):
        return change(value)
    if isinstance(value, dict):
        return {name: change(item) if isinstance(item, list) else item for name, item in value.items()}
    return value


def _replace_types(entry: dict[str, Any], _: str) -> dict[str, Any]:
    return {name: _wrong_type(value) for name, value in entry.items()}


def _wrong_type(value: Any) -> Any:
    """Return a value of another JSON type."""
    if isinstance(value, str):
        return [value, 7]
    return {"value": value} if isinstance(value, bool | int | float) else "not so"


def _drop_fields(entry: dict[str, Any], _: str) -> dict[str, Any]:
    return {name: value for name, value in entry.items() if name in ESSENTIAL_FIELDS}


def _add_fields(entry: dict[str, Any], _: str) -> dict[str, Any]:
    return {**entry, "surprise": {"nested": [1, None, "x"]}, "gpu_hours": 12.5, "": "no name"}


def _replace_status(entry: dict[str, Any], text: str) -> dict[str, Any]:
    return {**entry, "status": text}


def _enlarge_list(entries: list[Any], size: int) -> list[Any]:
    """Add copies of the first entry, with ids and names of their own, until there are `size` entries."""
    pattern = entries[0] if entries and isinstance(entries[0], dict) else {"status": "ready"}
    copies = (
        {**pattern, "deployment_id": f"huge{place:016d}", "deployment_name": f"huge-{place:07d}"}
        for place in range(size)
    )
    return [*entries, *copies][: max(size, len(entries))]


def _empty_list(entries: list[Any], _: int) -> list[Any]:
    return []


def _double_entries(entries: list[Any], _: int) -> list[Any]:
    return [copy for entry in entries for copy in (entry, entry)]


def _insert_bad_entries(entries: list[Any], _: int) -> list[Any]:
    """Put a string in the middle and an entry without an id at the end."""
    middle = len(entries) // 2
    without_id = {"deployment_name": "without-an-id", "status": "ready"}
    return [*entries[:middle], "not an object", *entries[middle:], without_id]


_OBJECT_FAULTS: dict[str, Callable[[dict[str, Any], str], dict[str, Any]]] = {
    "wrong_types": _replace_types,
    "missing_fields": _drop_fields,
    "extra_fields": _add_fields,
    "unknown_status": _replace_status,
}
_LIST_FAULTS: dict[str, Callable[[list[Any], int], list[Any]]] = {
    "huge_list": _enlarge_list,
    "empty_list": _empty_list,
    "doubled_entries": _double_entries,
    "bad_entry": _insert_bad_entries,
}
KINDS = ("wrong_json", *_OBJECT_FAULTS, *_LIST_FAULTS)
