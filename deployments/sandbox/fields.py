"""Is what was sent any good: every field of every call, refused with one plain sentence (never the word that means a plan)."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from deployments.sandbox.messages import Refusal
from deployments.sandbox.world import LATEST_VERSION

MACHINE_TYPES = ("dev-cpu", "dev-gpu", "prod-cpu", "prod-gpu", "gpu-small", "gpu-medium")
NAME = re.compile(r"[a-z][a-z0-9-]{4,14}")
VERSION = re.compile(r"(\d{1,4})\.(\d{1,4})\.(\d{1,4})")
OLDEST_VERSION = (0, 16, 0)
SHORTEST_HOURS, LONGEST_HOURS = 0.1, 8760.0
MOST_REPLICAS = 20
MOST_ENTRIES = 1000

Fields = Mapping[str, Any]


def text(fields: Fields, name: str) -> str:
    """A string that must be there."""
    if name not in fields:
        raise Refusal(400, f"Missing field: {name}")
    found = fields[name]
    if not isinstance(found, str) or not found.strip():
        raise Refusal(400, f"Invalid {name}: a non-empty string is expected")
    return found


def new_name(fields: Fields) -> str:
    name = text(fields, "deployment_name")
    if not NAME.fullmatch(name):
        raise Refusal(
            400, "Invalid deployment_name: 5 to 15 lowercase letters, digits and hyphens, the first a letter"
        )
    return name


def machine_type(fields: Fields) -> str:
    found = text(fields, "machine_type")
    if found not in MACHINE_TYPES:
        raise Refusal(400, f"Invalid machine_type: choose one of {', '.join(MACHINE_TYPES)}")
    return found


def creator_email(fields: Fields, members: tuple[str, ...]) -> str:
    found = text(fields, "creator_email")
    if found.lower() not in members:
        raise Refusal(400, "Invalid creator_email: not a member of this workspace")
    return found.lower()


def duration(fields: Fields) -> float:
    found = fields.get("duration", 3.0)
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise Refusal(400, "Invalid duration: a number of hours is expected")
    # Infinity, and whole numbers too large for a float, fail this comparison too.
    if not SHORTEST_HOURS <= found <= LONGEST_HOURS:
        raise Refusal(
            400, f"Invalid duration: at least {SHORTEST_HOURS:g} and at most {LONGEST_HOURS:g} hours"
        )
    return float(found)


def inference_version(fields: Fields) -> str:
    """A concrete version: `latest`, null and nothing mean the newest."""
    found = fields.get("inference_version")
    if found is None or found == "latest":
        return LATEST_VERSION
    parts = VERSION.fullmatch(found) if isinstance(found, str) else None
    if parts is None or tuple(map(int, parts.groups())) < OLDEST_VERSION:
        raise Refusal(400, "Invalid inference_version: 'latest' or a version of at least 0.16.0 is expected")
    return parts.group(0)


def replicas(fields: Fields, machine: str) -> tuple[int, int]:
    least, most = _count(fields, "min_replicas"), _count(fields, "max_replicas")
    if least > most:
        raise Refusal(400, "Invalid replicas: min_replicas is above max_replicas")
    if most > 1 and machine.startswith("dev-"):
        raise Refusal(400, "Invalid max_replicas: dev machine types do not autoscale")
    return least, most


def flag(fields: Fields, name: str) -> bool:
    found = fields.get(name, False)
    if not isinstance(found, bool):
        raise Refusal(400, f"Invalid {name}: true or false is expected")
    return found


def flag_word(query: Fields, name: str) -> bool:
    """A yes or no of a query string."""
    word = query.get(name, "false")
    if word not in ("true", "false"):
        raise Refusal(400, f"Invalid {name}: 'true' or 'false' is expected")
    return bool(word == "true")


def max_entries(query: Fields, default: int = 50) -> int:
    word = query.get("max_entries", str(default))
    if not re.fullmatch(r"[0-9]{1,9}", word) or int(word) < 1:
        raise Refusal(400, "Invalid max_entries: a positive whole number is expected")
    return min(int(word), MOST_ENTRIES)


def window(query: Fields, *, now: float, default_seconds: float) -> tuple[float, float]:
    """The span between from_timestamp and to_timestamp; what is not given follows from the other, or from now."""
    end = moment(query, "to_timestamp")
    start = moment(query, "from_timestamp")
    if end is None:
        end = now
    if start is None:
        start = end - default_seconds
    if start > end:
        raise Refusal(400, "Invalid from_timestamp: it is later than to_timestamp")
    return start, end


def moment(query: Fields, name: str) -> float | None:
    """ISO 8601; without an offset it is UTC. A plus sign that was not percent-encoded arrives as a blank and is refused."""
    word = query.get(name)
    if word is None:
        return None
    try:
        found = datetime.fromisoformat(word)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        raise Refusal(400, f"Invalid {name}: an ISO 8601 time is expected") from None


def _count(fields: Fields, name: str) -> int:
    found = fields.get(name, 1)
    if isinstance(found, bool) or not isinstance(found, int):
        raise Refusal(400, f"Invalid {name}: a whole number is expected")
    if not 1 <= found <= MOST_REPLICAS:
        raise Refusal(400, f"Invalid {name}: at least 1 and at most {MOST_REPLICAS}")
    return found
