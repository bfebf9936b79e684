"""Parses the bodies of Roboflow's answers into the dataclasses of schema.py. Pure.

A list keeps its good entries: those that cannot be read are returned beside them.
"""

import hashlib
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
TEXT, PAYLOAD = 254, 256 * 1024  # characters that we keep of each kind of text
MAX_ID = 255  # characters of an id; a longer one is never cut, because two could become one
NAME = 100  # characters of a deployment's name; Roboflow's own have at most 15
INT32 = 2**31 - 1
MAX_NUMBER = 1e9
MAX_DEPTH = 20  # levels of a raw object that we keep


def load_json(body: bytes) -> Any:
    """Return the JSON of an answer, with None for NaN and infinities. Raises Malformed."""
    try:
        value = json.loads(body, parse_constant=lambda _: None, parse_float=parse_finite)
        # Only an escape can bring a NUL or a lone surrogate into a text.
        return clean_json(value) if b"\\u" in body else value
    except (ValueError, RecursionError):
        raise Malformed("The answer is not JSON.") from None


def parse_finite(digits: str) -> float | None:
    """Return the number, or None where it overflows to infinity: databases do not store one in JSON."""
    number = float(digits)
    return number if math.isfinite(number) else None


def clean_json(value: Any, depth: int = 0, clean: Callable[[str], str] = str) -> Any:
    """Return `value` as every database can store it, with at most MAX_DEPTH levels.

    Each text and each name loses its NULs and lone surrogates, and then passes through `clean`.
    """
    if isinstance(value, str):
        return clean(storable_text(value))
    if not isinstance(value, dict | list):
        return value
    if depth >= MAX_DEPTH:
        return "..."
    if isinstance(value, list):
        return [clean_json(entry, depth + 1, clean) for entry in value]
    return {clean(storable_text(name)): clean_json(entry, depth + 1, clean) for name, entry in value.items()}


def storable_text(text: str) -> str:
    """Return `text` without NULs, and with `?` for lone surrogates: PostgreSQL refuses both."""
    if text.isascii() and "\x00" not in text:
        return text
    return text.replace("\x00", "").encode(errors="replace").decode()


def text_field(value: Any, limit: int = TEXT) -> str:
    """Return at most `limit` characters of a text, or a number's digits; "" for any other value."""
    if isinstance(value, bool) or value is None:
        return ""
    if isinstance(value, int | float):
        # Python limits the digits of a str(int).
        is_huge = isinstance(value, int) and value.bit_length() > 300
        return "" if is_huge else str(value)[:limit]
    return storable_text(value[: limit * 2])[:limit] if isinstance(value, str) else ""


def id_field(value: Any) -> str:
    """Return an id, or "" for a value that is none. Raises Malformed when it is longer than MAX_ID."""
    found = text_field(value, MAX_ID + 1)
    if len(found) > MAX_ID:
        raise Malformed(f"Its id is longer than {MAX_ID} characters.")
    return found


def line_id_field(value: Any) -> str:
    """Return the id of a log line. A long one becomes its beginning and its hash, so that it stays unique."""
    if isinstance(value, str) and len(value) > MAX_ID:
        digest = hashlib.sha256(storable_text(value).encode()).hexdigest()
        return f"{storable_text(value)[: MAX_ID - len(digest) - 1]}-{digest}"
    return text_field(value, MAX_ID)


def integer_field(value: Any) -> int | None:
    """Return a number that fits 32 bits, cut to an integer; None for any other value."""
    number = number_field(value, limit=INT32)
    return None if number is None else int(number)


def number_field(value: Any, *, limit: float = MAX_NUMBER) -> float | None:
    """Return a number between -`limit` and `limit`; None for any other value, NaN among them."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if -limit <= value <= limit else None  # comparing with NaN is False


def parse_deployment(value: Any) -> DeploymentReport:
    """Return one deployment. Raises Malformed without an id, or with one that is too long.

    Any other field may be missing: then it is blank ("" or None), which takes back nothing that we know.
    """
    if not isinstance(value, dict):
        raise Malformed("It is not an object.")
    deployment_id = id_field(value.get("deployment_id"))
    if not deployment_id.strip():
        raise Malformed("It has no deployment_id.")
    return DeploymentReport(
        deployment_id=deployment_id,
        deployment_name=text_field(value.get("deployment_name"), NAME).strip(),
        machine_type=text_field(value.get("machine_type"), 60),
        creator_email=text_field(value.get("creator_email")),
        creator_id=text_field(value.get("creator_id")),
        subdomain=text_field(value.get("subdomain"), 200),
        domain=text_field(value.get("domain")),
        duration_hours=number_field(value.get("duration")),
        inference_version=text_field(value.get("inference_version"), 60),
        min_replicas=integer_field(value.get("min_replicas")),
        max_replicas=integer_field(value.get("max_replicas")),
        num_replicas=integer_field(value.get("num_replicas")),
        status=text_field(value.get("status"), 60),
        workspace_id=text_field(value.get("workspace_id")),
        workspace_url=text_field(value.get("workspace_url")),
        raw={
            name: clean_json(field, 1) if isinstance(field, dict | list) else field
            for name, field in value.items()
        },
    )


def list_entries(value: Any, name: str) -> list[Any]:
    """Return the list of an answer, which is bare or wrapped under `name`. Raises Malformed."""
    entries = value.get(name) if isinstance(value, dict) else value
    if not isinstance(entries, list):
        raise Malformed("The answer holds no list.")
    return entries


def parse_each(entries: list[Any], parse: Callable[[Any], T]) -> tuple[list[T], list[BadEntry]]:
    """Return the entries that `parse` could read, and a BadEntry for each other one."""
    good, bad = [], []
    for index, entry in enumerate(entries):
        try:
            good.append(parse(entry))
        except RecursionError as error:  # repr() would recurse again
            bad.append(BadEntry(index, str(error)[:200], ""))
        except (Malformed, OverflowError) as error:
            bad.append(BadEntry(index, str(error)[:200], repr(entry)[:300]))
    return good, bad


def parse_deployment_list(body: bytes) -> DeploymentList:
    """Return the answer of `/list`, bare or wrapped. Raises Malformed.

    Of several entries with one id the last counts; the others are returned as bad.
    """
    good, bad = parse_each(list_entries(load_json(body), "deployments"), parse_deployment)
    by_id = {report.deployment_id: report for report in good}
    doubled = [
        BadEntry(index, "Its deployment_id comes again.", report.deployment_id)
        for index, report in enumerate(good)
        if by_id[report.deployment_id] is not report
    ]
    return DeploymentList(list(by_id.values()), [*bad, *doubled])


def parse_one_deployment(body: bytes) -> DeploymentReport:
    """Return the deployment that `/get` or `/add` answered, bare or wrapped. Raises Malformed."""
    value = load_json(body)
    inner = value.get("deployment") if isinstance(value, dict) and "deployment_id" not in value else None
    return parse_deployment(inner if isinstance(inner, dict) else value)


def parse_time(value: Any) -> datetime:
    """Return an ISO 8601 time as aware UTC; a time without offset is taken as UTC. Raises Malformed."""
    try:
        time = datetime.fromisoformat(value)
        time = time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, TypeError, OverflowError):
        raise Malformed("Its timestamp is not a time.") from None
    if not 2000 <= time.year < 2100:  # at the ends of the calendar a page could not show it in every zone
        raise Malformed("Its timestamp is not a time.")
    return time


def parse_log_line(value: Any) -> LogLine:
    """Return one log line. Raises Malformed when it has no insert_id or no time."""
    insert_id = line_id_field(value.get("insert_id")) if isinstance(value, dict) else ""
    if not insert_id:
        raise Malformed("It has no insert_id.")
    return LogLine(
        insert_id=insert_id,
        timestamp=parse_time(value.get("timestamp")),
        severity=text_field(value.get("severity"), 20),
        payload=payload_text(value.get("payload")),
    )


def payload_text(payload: Any) -> str:
    """Return a log line's payload as text; a payload that is not a text is written as JSON."""
    if payload is None:
        return ""
    text = payload if isinstance(payload, str) else json.dumps(payload, ensure_ascii=False)
    shown = text_field(text, PAYLOAD)
    return shown if len(text) <= PAYLOAD else f"{shown}... (cut: the line has {len(text)} characters)"


def parse_log_page(body: bytes) -> LogPage:
    """Return the answer of `/get_log`, newest line first. Raises Malformed."""
    good, bad = parse_each(list_entries(load_json(body), "logs"), parse_log_line)
    return LogPage(sorted(good, key=lambda line: line.timestamp, reverse=True), bad)


def parse_machine_type(value: Any) -> MachineType:
    """Return one machine type, from its name or from an object with a name. Raises Malformed."""
    name = text_field(value.get("name"), 60) if isinstance(value, dict) else text_field(value, 60)
    if not name:
        raise Malformed("It has no name.")
    return MachineType(name, text_field(value.get("description")) if isinstance(value, dict) else "")


def parse_machine_types(body: bytes) -> list[MachineType]:
    """Return the machine types of `/machine_types`, without those that cannot be read. Raises Malformed."""
    return parse_each(list_entries(load_json(body), "machine_types"), parse_machine_type)[0]


def parse_key_owner(body: bytes) -> KeyOwner:
    """Return the answer of the key check. Raises Malformed when it names no workspace."""
    value = load_json(body)
    slug = id_field(value.get("workspace")).strip() if isinstance(value, dict) else ""
    if not slug:
        raise Malformed("The answer names no workspace.")
    return KeyOwner(slug)


def parse_workspace(body: bytes) -> WorkspaceInfo:
    """Return the answer of `/{workspace}`. Raises Malformed."""
    value = load_json(body)
    inner = value.get("workspace") if isinstance(value, dict) else None
    if not isinstance(inner, dict):
        raise Malformed("The answer holds no workspace.")
    return WorkspaceInfo(text_field(inner.get("name"), 200), text_field(inner.get("url")))


def parse_acknowledgement(body: bytes) -> None:
    """Accept any JSON object as the answer of pause, resume or delete. Raises Malformed for anything else."""
    if not isinstance(load_json(body), dict):
        raise Malformed("The answer is not an object.")
