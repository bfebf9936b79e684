"""What Roboflow reports, as dataclasses; parse.py makes them from the bytes of an answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


class Malformed(ValueError):
    """An answer does not have the documented form. The message holds nothing of the answer."""


@dataclass(frozen=True)
class DeploymentReport:
    """A deployment as Roboflow reports it. Missing fields are "" or None; `raw` is the whole object."""

    deployment_id: str
    deployment_name: str
    machine_type: str = ""
    creator_email: str = ""
    creator_id: str = ""
    subdomain: str = ""
    domain: str = ""
    duration_hours: float | None = None
    inference_version: str = ""
    min_replicas: int | None = None
    max_replicas: int | None = None
    num_replicas: int | None = None
    status: str = ""
    workspace_id: str = ""
    workspace_url: str = ""
    raw: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True)
class BadEntry:
    """An entry of a list that could not be read: its position (from 0), the reason, how its text begins."""

    index: int
    why: str
    text: str


@dataclass(frozen=True)
class DeploymentList:
    """A workspace's deployments, and the entries of the list that could not be read.

    Those whose entry is written as in the last list are not parsed again: their ids are `unchanged`. The list
    lacks the `unlisted` ones, which were in the last.
    `digests` are those of the others' entries, by deployment_id, and `whole` is that of the whole answer,
    which `is_identical` when it is the same as the last one.
    """

    deployments: list[DeploymentReport]
    bad: list[BadEntry]
    unchanged: frozenset[str] = frozenset()
    unlisted: frozenset[str] = frozenset()
    digests: Mapping[str, str] = field(default_factory=dict)
    whole: str = ""
    is_identical: bool = False


@dataclass(frozen=True)
class LogLine:
    """One line of a deployment's log; `timestamp` is an aware time in UTC."""

    insert_id: str
    timestamp: datetime
    severity: str
    payload: str


@dataclass(frozen=True)
class LogPage:
    """Log lines, newest first, and the entries of the answer that could not be read."""

    lines: list[LogLine]
    bad: list[BadEntry]


@dataclass(frozen=True)
class MachineType:
    """A machine type and Roboflow's description of it."""

    name: str
    description: str = ""


@dataclass(frozen=True)
class KeyOwner:
    """The workspace that a key belongs to, by Roboflow's slug."""

    workspace: str


@dataclass(frozen=True)
class WorkspaceInfo:
    """A workspace's display name and slug."""

    name: str
    url: str


@dataclass(frozen=True, kw_only=True)
class NewDeployment:
    """The fields of an `/add` call. None leaves a field to Roboflow's default; `duration` is in hours."""

    deployment_name: str
    machine_type: str
    creator_email: str
    duration: float | None = None
    inference_version: str | None = None
    min_replicas: int | None = None
    max_replicas: int | None = None
    delete_on_expiration: bool = True

    def body(self) -> dict[str, Any]:
        """Return the fields to send, without the key and without those that are None."""
        return {name: value for name, value in vars(self).items() if value is not None}
