"""What a row and a report say of a deployment, field by field. Pure."""

import hashlib
import json
from datetime import datetime
from typing import Any, Protocol

from deployments.ledger.kinds import PENDING, READY
from deployments.roboflow.schema import DeploymentReport

FACTS = (
    "deployment_name",
    "machine_type",
    "creator_email",
    "creator_id",
    "subdomain",
    "domain",
    "duration_hours",
    "inference_version",
    "min_replicas",
    "max_replicas",
    "num_replicas",
    "status",
)
NOT_CONFIGURED = ("deployment_name", "creator_id", "num_replicas", "status")
CONFIGURATION = tuple(name for name in FACTS if name not in NOT_CONFIGURED)


class KnownRow(Protocol):
    """The columns of a stored deployment that a comparison reads."""

    deployment_id: str
    deployment_name: str
    status: str
    status_since: datetime
    digest: str
    missing_since: datetime | None
    gone_at: datetime | None
    is_listed: bool
    first_seen_at: datetime
    reported_at: datetime


def digest_of_report(report: DeploymentReport) -> str:
    """Return the hash of a raw object. A row whose digest is the same needs no writing."""
    return hashlib.sha256(json.dumps(report.raw, sort_keys=True, default=str).encode()).hexdigest()


def is_blank(value: Any) -> bool:
    """Return whether a value of an answer says nothing: absent, null, empty, or of an unreadable type."""
    return value in ("", None)


def lacking_fields(row: KnownRow, report: DeploymentReport) -> list[str]:
    """Return the fields whose value we know, and which a report of the same deployment lacks."""
    return [name for name in FACTS if is_blank(getattr(report, name)) and not is_blank(getattr(row, name))]


def outside_configuration(row: KnownRow, report: DeploymentReport) -> dict[str, tuple[Any, Any]]:
    """Return what somebody changed of the configuration: field to (before, after).

    No operation of ours changes it. A deployment that starts gets its address and version late: filling a
    blank is no change. And an answer that lacks a value takes back none.
    """
    if row.status == PENDING and report.status in (PENDING, READY):
        return {}
    changes = {name: (getattr(row, name), getattr(report, name)) for name in CONFIGURATION}
    return {
        name: (before, after)
        for name, (before, after) in changes.items()
        if before != after and not is_blank(before) and not is_blank(after)
    }
