"""Validation of the parameters of a call: each function returns a checked value or raises `Refusal` with 400.

`parameters` is the JSON object of a POST or the query of a GET. The texts avoid the word "require": when
an error text contains it, Roboflow's command line advises to upgrade the plan.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from deployments.sandbox.lifecycle import LATEST_VERSION
from deployments.sandbox.messages import Refusal

# Roboflow's documentation names the first four; its newer pages add the other two.
MACHINE_TYPES = ("dev-cpu", "dev-gpu", "prod-cpu", "prod-gpu", "gpu-small", "gpu-medium")
# Roboflow: names are 5 to 15 characters.
NAME = re.compile(r"[a-z][a-z0-9-]{4,14}")
VERSION = re.compile(r"(\d{1,4})\.(\d{1,4})\.(\d{1,4})")
# Roboflow: inference_version is `latest`, null, or at least 0.16.0.
OLDEST_VERSION = (0, 16, 0)
# Roboflow documents the minimum. The maximum (a year) and the next two limits are the sandbox's own.
MIN_DURATION_HOURS, MAX_DURATION_HOURS = 0.1, 8760.0
MAX_REPLICAS = 20
MAX_LOG_ENTRIES = 1000

Parameters = Mapping[str, Any]


def parse_text(parameters: Parameters, name: str) -> str:
    """Return a string that must be present and not blank."""
    if name not in parameters:
        raise Refusal(400, f"Missing field: {name}")
    value = parameters[name]
    if not isinstance(value, str) or not value.strip():
        raise Refusal(400, f"Invalid {name}: a non-empty string is expected")
    return value


def parse_new_name(parameters: Parameters) -> str:
    """Return the name of a deployment to create."""
    name = parse_text(parameters, "deployment_name")
    if not NAME.fullmatch(name):
        raise Refusal(
            400, "Invalid deployment_name: 5 to 15 lowercase letters, digits and hyphens, the first a letter"
        )
    return name


def parse_machine_type(parameters: Parameters) -> str:
    """Return a known machine type."""
    machine_type = parse_text(parameters, "machine_type")
    if machine_type not in MACHINE_TYPES:
        raise Refusal(400, f"Invalid machine_type: choose one of {', '.join(MACHINE_TYPES)}")
    return machine_type


def parse_creator_email(parameters: Parameters, members: tuple[str, ...]) -> str:
    """Return the creator's address in lower case. Roboflow: it must belong to a member of the workspace."""
    email = parse_text(parameters, "creator_email").lower()
    if email not in members:
        raise Refusal(400, "Invalid creator_email: not a member of this workspace")
    return email


def parse_duration(parameters: Parameters) -> float:
    """Return the duration in hours. Roboflow: the default is 3."""
    hours = parameters.get("duration", 3.0)
    if isinstance(hours, bool) or not isinstance(hours, int | float):
        raise Refusal(400, "Invalid duration: a number of hours is expected")
    # Infinity, and integers too large for a float, are refused by this comparison too.
    if not MIN_DURATION_HOURS <= hours <= MAX_DURATION_HOURS:
        raise Refusal(
            400,
            f"Invalid duration: at least {MIN_DURATION_HOURS:g} and at most {MAX_DURATION_HOURS:g} hours",
        )
    return float(hours)


def parse_inference_version(parameters: Parameters) -> str:
    """Return a concrete version; `latest`, null and a missing field give the newest."""
    version = parameters.get("inference_version")
    if version is None or version == "latest":
        return LATEST_VERSION
    parts = VERSION.fullmatch(version) if isinstance(version, str) else None
    if parts is None or tuple(map(int, parts.groups())) < OLDEST_VERSION:
        raise Refusal(400, "Invalid inference_version: 'latest' or a version of at least 0.16.0 is expected")
    return parts.group(0)


def parse_replicas(parameters: Parameters, machine_type: str) -> tuple[int, int]:
    """Return the minimum and the maximum number of replicas, both 1 by default."""
    minimum = _parse_replica_count(parameters, "min_replicas")
    maximum = _parse_replica_count(parameters, "max_replicas")
    if minimum > maximum:
        raise Refusal(400, "Invalid replicas: min_replicas is above max_replicas")
    if maximum > 1 and machine_type.startswith("dev-"):
        raise Refusal(400, "Invalid max_replicas: dev machine types do not autoscale")
    return minimum, maximum


def parse_boolean(parameters: Parameters, name: str) -> bool:
    """Return a JSON boolean, false by default."""
    value = parameters.get(name, False)
    if not isinstance(value, bool):
        raise Refusal(400, f"Invalid {name}: true or false is expected")
    return value


def parse_query_boolean(query: Parameters, name: str) -> bool:
    """Return a boolean that a query string carries as `true` or `false`; the default is false."""
    value = query.get(name, "false")
    if value not in ("true", "false"):
        raise Refusal(400, f"Invalid {name}: 'true' or 'false' is expected")
    return bool(value == "true")


def parse_max_entries(query: Parameters, default: int = 50) -> int:
    """Return how many log entries to answer with, at most MAX_LOG_ENTRIES. Roboflow: the default is 50."""
    value = query.get("max_entries", str(default))
    if not re.fullmatch(r"[0-9]{1,9}", value) or int(value) < 1:
        raise Refusal(400, "Invalid max_entries: a positive whole number is expected")
    return min(int(value), MAX_LOG_ENTRIES)


def parse_window(query: Parameters, *, now: float, default_seconds: float) -> tuple[float, float]:
    """Return `from_timestamp` and `to_timestamp` as Unix timestamps.

    A missing end is `now`; a missing start is `default_seconds` before the end.
    """
    end = parse_time(query, "to_timestamp")
    start = parse_time(query, "from_timestamp")
    if end is None:
        end = now
    if start is None:
        start = end - default_seconds
    if start > end:
        raise Refusal(400, "Invalid from_timestamp: it is later than to_timestamp")
    return start, end


def parse_time(query: Parameters, name: str) -> float | None:
    """Return an ISO 8601 time as a Unix timestamp, None if it is missing; without an offset it is in UTC.

    A plus sign that the client did not percent-encode arrives as a blank and makes the time invalid.
    """
    value = query.get(name)
    if value is None:
        return None
    try:
        time = datetime.fromisoformat(value)
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        raise Refusal(400, f"Invalid {name}: an ISO 8601 time is expected") from None


def _parse_replica_count(parameters: Parameters, name: str) -> int:
    count = parameters.get(name, 1)
    if isinstance(count, bool) or not isinstance(count, int):
        raise Refusal(400, f"Invalid {name}: a whole number is expected")
    if not 1 <= count <= MAX_REPLICAS:
        raise Refusal(400, f"Invalid {name}: at least 1 and at most {MAX_REPLICAS}")
    return count
