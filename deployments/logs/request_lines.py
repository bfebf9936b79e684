"""Requests as the lines of an inference server report them. Pure.

Servers write them as uvicorn does ('10.0.0.1:46296 - "GET /info HTTP/1.1" 200 OK'), as a proxy does (with the
time at the end), or as the fields of a JSON line.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

QUOTED = re.compile(
    r'"(?P<method>[A-Z]{3,7}) (?P<path>\S{1,2000}) HTTP/[0-9.]{1,3}"'
    r"[\s:-]{1,3}(?P<status>[1-5]\d\d)\b(?P<rest>.{0,500})"
)
HEALTH = re.compile(r"/(?:healthz?|readyz?|readiness|liveness|livez|ping|metrics)/?$")
MILLISECONDS = {"us": 0.001, "µs": 0.001, "ms": 1, "s": 1000, "sec": 1000, "seconds": 1000}
TIMED = re.compile(r"(?<![\w.])(?P<number>\d{1,9}(?:\.\d{1,9})?)\s?(?P<unit>us|µs|ms|seconds|sec|s)\b")
LAST_SECONDS = re.compile(r"\s(?P<number>\d{1,6}\.\d{1,9})\s*$")  # as proxies write it, without a unit

METHODS = ("method", "http_method", "request_method", "verb")
PATHS = ("path", "url", "uri", "request_path", "route", "http_path")
STATUSES = ("status", "status_code", "http_status", "code")
MODELS = ("model", "model_id", "workflow", "workflow_id")
DURATIONS = {  # the name of a field to how many milliseconds its number means
    "duration_ms": 1,
    "latency_ms": 1,
    "elapsed_ms": 1,
    "response_time_ms": 1,
    "duration": 1000,
    "latency": 1000,
    "elapsed": 1000,
    "response_time": 1000,
    "request_time": 1000,
    "process_time": 1000,
}
TASKS = {
    "infer",
    "model",
    "clip",
    "sam",
    "sam2",
    "gaze",
    "ocr",
    "doctr",
    "core",
    "static",
    "docs",
    "workflows",
}


@dataclass(frozen=True)
class RequestLine:
    """A request that a line reports. `model` is "" and `milliseconds` None where it does not tell them."""

    method: str
    path: str  # without its query
    status: int
    model: str = ""
    milliseconds: float | None = None

    @property
    def is_health_check(self) -> bool:
        """Whether something asked whether the server is alive, so that nobody used it."""
        return HEALTH.search(self.path) is not None


def request_in_text(text: str) -> RequestLine | None:
    """Return the request that a line of text reports, or None."""
    if " HTTP/" not in text or not (found := QUOTED.search(text)):
        return None
    path, _, query = found["path"].partition("?")
    model = model_of_path(path) or first(parse_qs(query[:1000]), "model_id")
    return RequestLine(found["method"], path, int(found["status"]), model, time_in(found["rest"]))


def request_in_fields(fields: Mapping[str, Any]) -> RequestLine | None:
    """Return the request that the fields of a JSON line report, with method, path and status, or None."""
    method, path = text_field(fields, METHODS), text_field(fields, PATHS)
    status = next((number for name in STATUSES if (number := whole_number(fields.get(name)))), 0)
    if not (method.isalpha() and path and 100 <= status <= 599):
        return None
    path = path.partition("?")[0]
    model = text_field(fields, MODELS) or model_of_path(path)
    return RequestLine(method.upper(), path, status, model, time_of_fields(fields))


def model_of_path(path: str) -> str:
    """Return the model or workflow that an address of Roboflow's inference server names, or "".

    They are /PROJECT/VERSION, /infer/workflows/WORKSPACE/WORKFLOW and /WORKSPACE/workflows/WORKFLOW.
    """
    parts = [part for part in path.split("/") if part]
    if "workflows" in parts:
        at = parts.index("workflows")
        names = parts[at + 1 : at + 3] if parts[0] == "infer" else [*parts[:at], *parts[at + 1 : at + 2]]
        return "/".join(names) if len(names) == 2 else ""
    if len(parts) == 2 and parts[1].isdecimal() and parts[0] not in TASKS:
        return "/".join(parts)
    return ""


def time_in(rest: str) -> float | None:
    """Return how many milliseconds the rest of a line tells, or None."""
    if found := TIMED.search(rest):
        return float(found["number"]) * MILLISECONDS[found["unit"]]
    if found := LAST_SECONDS.search(rest):
        return float(found["number"]) * 1000
    return None


def time_of_fields(fields: Mapping[str, Any]) -> float | None:
    """Return how many milliseconds the fields of a line tell, or None."""
    for name, factor in DURATIONS.items():
        value = fields.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 10**9:
            return float(value) * factor
        if isinstance(value, str) and (told := time_in(f" {value[:40]}")) is not None:
            return told
    return None


def text_field(fields: Mapping[str, Any], names: tuple[str, ...]) -> str:
    """Return the first of these fields that is a text, or ""."""
    return next((value for name in names if isinstance(value := fields.get(name), str) and value), "")


def whole_number(value: Any) -> int:
    """Return a field as a whole number of at most three digits; 0 for anything else."""
    text = str(value) if isinstance(value, str | int) else ""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 3 else 0


def first(values: Mapping[str, list[str]], name: str) -> str:
    """Return the first value of a parameter, or ""."""
    return values.get(name, [""])[0]
