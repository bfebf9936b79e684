"""What a log line says: its level, its kind, the request that it reports, and its text for people. Pure."""

import json
import re
from typing import Any, NamedTuple

from deployments.logs.request_lines import RequestLine, request_in_fields, request_in_text
from deployments.logs.terminal import plain_text

ERROR, WARNING, INFO, DEBUG, DEFAULT = "ERROR", "WARNING", "INFO", "DEBUG", "DEFAULT"
LEVELS = (ERROR, WARNING, INFO, DEBUG, DEFAULT)  # in the order in which pages show them
WORDS = {  # in a line, or as Roboflow's severity
    "EMERGENCY": ERROR,
    "ALERT": ERROR,
    "CRITICAL": ERROR,
    "FATAL": ERROR,
    "ERROR": ERROR,
    "ERR": ERROR,
    "WARNING": WARNING,
    "WARN": WARNING,
    "NOTICE": INFO,
    "INFO": INFO,
    "DEBUG": DEBUG,
    "TRACE": DEBUG,
}
# The level at the start of a line, as uvicorn writes it ("INFO:     ...") and loguru does
# ("2026-01-31 12:00:00 | INFO | ...").
TIME = r"\[?\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?\]?"
WORD = "|".join(WORDS)
LEVEL = re.compile(
    rf"(?P<before>(?:{TIME}\s*[|-]?\s*)?)"
    rf"(?:\[(?P<inside>{WORD})\]\s*[:|-]?\s*|(?P<level>{WORD})(?:\s*[:|-]\s*|\s{{2,}}))",
    re.IGNORECASE,
)
BARE_LEVEL = re.compile(r"(?P<level>CRITICAL|FATAL|ERROR|WARNING|WARN|DEBUG)\s")  # without a sign behind it
START_UP = re.compile(
    r"Started server process|Waiting for application|Application (?:startup|shutdown)|Uvicorn running|"
    r"Pulling image|Successfully pulled|Started container|loading models|Shutting down|"
    r"Finished server process"
)
HEALTH_KIND, REQUEST_KIND = "health", "request"
TRACEBACK = "Traceback (most recent call last)"
MESSAGE_FIELDS = ("message", "msg", "event", "text")
LEVEL_FIELDS = ("level", "severity", "levelname", "lvl")


class Meaning(NamedTuple):
    """What a line says. `text` is what is shown and searched; its first `skip` characters tell the level."""

    text: str
    level: str
    kind: str
    skip: int = 0
    request: RequestLine | None = None


def meaning_of(payload: str, severity: str) -> Meaning:
    """Return what a line says. Its own level counts first: servers write INFO to stderr, too."""
    fields = fields_of(payload)
    text = text_of_fields(fields) if fields else plain_text(payload)
    said, skip = (level_of_fields(fields), 0) if fields else level_in(text)
    level = said or WORDS.get(severity.upper(), DEFAULT)
    request = (request_in_fields(fields) if fields else None) or request_in_text(text)
    return Meaning(text, level, kind_of(text, level, request), skip, request)


def fields_of(payload: str) -> dict[str, Any]:
    """Return the fields of a payload that is one JSON object, otherwise {}."""
    if not payload.startswith("{"):
        return {}
    try:
        value = json.loads(payload)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) and value else {}


def text_of_fields(fields: dict[str, Any]) -> str:
    """Return the fields of a JSON line as text: the message first, the others as name=value."""
    rest = dict(fields)
    name = next((name for name in MESSAGE_FIELDS if isinstance(rest.get(name), str)), "")
    message = rest.pop(name) if name else ""
    parts = [f"{key}={value_text(value)}" for key, value in rest.items()]
    return plain_text(" ".join(part for part in (message, *parts) if part))


def value_text(value: Any) -> str:
    """Return a field's value: a word as it is, anything else as JSON."""
    if isinstance(value, str) and value and not re.search(r"[\s=\"]", value):
        return value
    return json.dumps(value, ensure_ascii=False)


def level_of_fields(fields: dict[str, Any]) -> str:
    """Return the level that a JSON line tells, or ""."""
    told = next((fields[name] for name in LEVEL_FIELDS if isinstance(fields.get(name), str)), "")
    return WORDS.get(told.upper(), "")


def level_in(text: str) -> tuple[str, int]:
    """Return the level at the start of a text and how many characters tell it, or ("", 0).

    A level behind a time is not left out of what is shown, because the time stands before it.
    """
    if found := LEVEL.match(text):
        word = found["level"] or found["inside"]
        return WORDS[word.upper()], 0 if found["before"] else found.end()
    if found := BARE_LEVEL.match(text):
        return WORDS[found["level"]], 0
    return "", 0


def kind_of(text: str, level: str, request: RequestLine | None) -> str:
    """Return the kind of a line, one of search.KINDS, or "" for any other."""
    if TRACEBACK in text:
        return "traceback"
    if request:
        return HEALTH_KIND if request.is_health_check else REQUEST_KIND
    if level == ERROR:
        return "error"
    return "start-up" if START_UP.search(text) else ""
