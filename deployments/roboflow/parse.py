"""Parses Roboflow's answers: bytes in, dataclasses out; bad entries of a list are reported beside good ones."""

import json
import math
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

from deployments.roboflow.schema import (
    BadEntry,
    DeploymentList,
    DeploymentReport,
    KeyOwner,
    LogLine,
    LogPage,
    MachineType,
    Malformed,
    WorkspaceInfo,
)

T = TypeVar("T")
ID, TEXT, PAYLOAD = 100, 254, 256 * 1024  # the longest that we keep
INT32 = 2**31 - 1
DEEPEST = 20  # levels of a raw object


def load_json(body: bytes) -> Any:
    """Return the JSON of an answer; what JSON does not know (NaN, infinities) is None. Raises Malformed."""
    try:
        value = json.loads(body, parse_constant=lambda _: None, parse_float=is_finite_json)
        return (
            clean_json(value) if b"\\u" in body else value
        )  # only an escape brings a NUL or half a letter into a text
    except (ValueError, RecursionError):
        raise Malformed("The answer is not JSON.") from None


def is_finite_json(digits: str) -> float | None:
    """Return a number of JSON, None where it is too large for one: no database keeps an infinity."""
    found = float(digits)
    return found if math.isfinite(found) else None


def clean_json(value: Any, depth: int = 0, clean: Callable[[str], str] = str) -> Any:
    """Return JSON that every database keeps: no NULs, no halves of letters, nothing nested beyond DEEPEST; `clean` sees every text."""
    if isinstance(value, str):
        return clean(storable_text(value))
    if not isinstance(value, dict | list):
        return value
    if depth >= DEEPEST:
        return "..."
    if isinstance(value, list):
        return [clean_json(one, depth + 1, clean) for one in value]
    return {clean(storable_text(name)): clean_json(one, depth + 1, clean) for name, one in value.items()}


def storable_text(words: str) -> str:
    """Return a text without NULs and without halves of letters."""
    return (
        words
        if words.isascii() and "\x00" not in words
        else words.replace("\x00", "").encode(errors="replace").decode()
    )


def text_field(value: Any, limit: int = TEXT) -> str:
    """Return a text without NULs and lone surrogates, numbers as their digits; "" for what is no text."""
    if isinstance(value, bool) or value is None:
        return ""
    if isinstance(value, int | float):
        return "" if isinstance(value, int) and value.bit_length() > 300 else str(value)[:limit]
    return storable_text(value[: limit * 2])[:limit] if isinstance(value, str) else ""


def integer_field(value: Any) -> int | None:
    """Return a number that fits 32 bits, else None."""
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not -INT32 <= value <= INT32
        or value != value
    ):
        return None
    return int(value)


def number_field(value: Any) -> float | None:
    """Return a finite number, else None."""
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not -1e9 <= value <= 1e9
        or not math.isfinite(value)
    ):
        return None
    return float(value)


def parse_deployment(value: Any) -> DeploymentReport:
    """Read one deployment object. Raises Malformed when it has no id or no name: everything else may be missing."""
    if not isinstance(value, dict):
        raise Malformed("It is not an object.")
    key, name = text_field(value.get("deployment_id"), ID), text_field(value.get("deployment_name"), ID)
    if not key.strip() or not name.strip():
        raise Malformed("It has no deployment_id." if not key.strip() else "It has no deployment_name.")
    return DeploymentReport(
        deployment_id=key,
        deployment_name=name,
        machine_type=text_field(value.get("machine_type"), 60),
        creator_email=text_field(value.get("creator_email")),
        creator_id=text_field(value.get("creator_id"), ID),
        subdomain=text_field(value.get("subdomain"), 200),
        domain=text_field(value.get("domain")),
        duration_hours=number_field(value.get("duration")),
        inference_version=text_field(value.get("inference_version"), 60),
        min_replicas=integer_field(value.get("min_replicas")),
        max_replicas=integer_field(value.get("max_replicas")),
        num_replicas=integer_field(value.get("num_replicas")),
        status=text_field(value.get("status"), 60),
        workspace_id=text_field(value.get("workspace_id"), ID),
        workspace_url=text_field(value.get("workspace_url"), ID),
        raw={
            name: clean_json(one, 1) if isinstance(one, dict | list) else one for name, one in value.items()
        },
    )


def list_entries(value: Any, name: str) -> list[Any]:
    """Return the list of an answer: bare, or wrapped under `name`. Raises Malformed."""
    found = value.get(name) if isinstance(value, dict) else value
    if not isinstance(found, list):
        raise Malformed("The answer holds no list.")
    return found


def parse_each(found: list[Any], read: Callable[[Any], T]) -> tuple[list[T], list[BadEntry]]:
    """Read every entry; those that cannot be read are reported."""
    good, bad = [], []
    for index, one in enumerate(found):
        try:
            good.append(read(one))
        except (Malformed, RecursionError, OverflowError) as trouble:
            bad.append(
                BadEntry(
                    index,
                    str(trouble)[:200],
                    repr(one)[:300] if not isinstance(trouble, RecursionError) else "",
                )
            )
    return good, bad


def parse_deployment_list(body: bytes) -> DeploymentList:
    """Read `/list`, bare or wrapped. Of doubled ids the last counts, the others are reported. Raises Malformed."""
    good, bad = parse_each(list_entries(load_json(body), "deployments"), parse_deployment)
    by_id = {one.deployment_id: one for one in good}
    doubled = [
        BadEntry(index, "Its deployment_id comes again.", one.deployment_id)
        for index, one in enumerate(good)
        if by_id[one.deployment_id] is not one
    ]
    return DeploymentList(list(by_id.values()), [*bad, *doubled])


def parse_one_deployment(body: bytes) -> DeploymentReport:
    """Read `/get` or `/add`, bare or wrapped. Raises Malformed."""
    value = load_json(body)
    inner = value.get("deployment") if isinstance(value, dict) and "deployment_id" not in value else None
    return parse_deployment(inner if isinstance(inner, dict) else value)


def parse_time(value: Any) -> datetime:
    """Read an ISO 8601 time as aware UTC. Raises Malformed."""
    try:
        found = datetime.fromisoformat(value)
        aware = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
        if not 2000 <= aware.year < 2100:  # no page could show it in every zone
            raise ValueError
        return aware
    except (ValueError, TypeError, OverflowError):
        raise Malformed("Its timestamp is none.") from None


def parse_log_line(value: Any) -> LogLine:
    """Read one log entry. Raises Malformed when it has no insert_id or no time."""
    if not isinstance(value, dict) or not text_field(value.get("insert_id"), ID):
        raise Malformed("It has no insert_id.")
    payload = value.get("payload")
    words = (
        text_field(payload, PAYLOAD)
        if isinstance(payload, str)
        else ""
        if payload is None
        else text_field(json.dumps(payload, ensure_ascii=False), PAYLOAD)
    )
    return LogLine(
        text_field(value["insert_id"], ID),
        parse_time(value.get("timestamp")),
        text_field(value.get("severity"), 20),
        words,
    )


def parse_log_page(body: bytes) -> LogPage:
    """Read `/get_log`, newest first. Raises Malformed."""
    good, bad = parse_each(list_entries(load_json(body), "logs"), parse_log_line)
    return LogPage(sorted(good, key=lambda line: line.timestamp, reverse=True), bad)


def parse_machine_type(value: Any) -> MachineType:
    """Read one machine type: a word, or an object with name and description. Raises Malformed."""
    name = text_field(value.get("name"), 60) if isinstance(value, dict) else text_field(value, 60)
    if not name:
        raise Malformed("It has no name.")
    return MachineType(name, text_field(value.get("description")) if isinstance(value, dict) else "")


def parse_machine_types(body: bytes) -> list[MachineType]:
    """Read `/machine_types`. Raises Malformed."""
    return parse_each(list_entries(load_json(body), "machine_types"), parse_machine_type)[0]


def parse_key_owner(body: bytes) -> KeyOwner:
    """Read the key check. Raises Malformed when it names no workspace."""
    value = load_json(body)
    slug = text_field(value.get("workspace"), ID).strip() if isinstance(value, dict) else ""
    if not slug:
        raise Malformed("The answer names no workspace.")
    return KeyOwner(slug)


def parse_workspace(body: bytes) -> WorkspaceInfo:
    """Read a workspace's page. Raises Malformed."""
    value = load_json(body)
    inner = value.get("workspace") if isinstance(value, dict) else None
    if not isinstance(inner, dict):
        raise Malformed("The answer holds no workspace.")
    return WorkspaceInfo(text_field(inner.get("name"), 200), text_field(inner.get("url"), ID))


def parse_acknowledgement(body: bytes) -> None:
    """Read the answer of pause, resume, delete: any JSON object is a clear yes. Raises Malformed."""
    if not isinstance(load_json(body), dict):
        raise Malformed("The answer is not an object.")
