"""Reads from Roboflow for a sync: the list, and `/get` for deployments that the list lacks."""

import time
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from deployments.fleet.models import Deployment
from deployments.keys.models import ApiKey
from deployments.keys.open import KeyUnreadable, call_with_key, reader_keys
from deployments.roboflow.client import Client
from deployments.roboflow.errors import KeyRefused, NotFound, RoboflowError
from deployments.roboflow.mask import Secret
from deployments.roboflow.schema import DeploymentList, DeploymentReport
from deployments.workspaces.models import Workspace

MAX_LOOKS = 20  # missing deployments that one sync asks about; the next sync comes soon
LIST_SECONDS, LOOK_SECONDS = 60.0, 30.0  # deadlines; together well within a task's soft limit


class NoReader(Exception):
    """No member holds a key that works."""


@dataclass
class LookResult:
    """What `/get` said of those that a list did not have."""

    there: list[DeploymentReport] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)


def fetch_list(workspace: Workspace, *, now: datetime) -> tuple[DeploymentList, ApiKey]:
    """Return the list and the key that read it: members' keys in turn, another one when one is refused. Raises NoReader, RoboflowError."""
    last: Exception = NoReader()
    for key in reader_keys(workspace):
        try:
            return call_with_key(
                key,
                lambda client, secret: client.list_deployments(secret, deadline_seconds=LIST_SECONDS),
                now=now,
                reading=True,
            ), key
        except (KeyRefused, KeyUnreadable) as refusal:
            last = refusal
    raise last


def look_up_missing(rows: list[Deployment], key: ApiKey, *, now: datetime) -> LookResult:
    """Ask `/get` for each missing one: not found, or another id under its name, means gone."""
    looked, ends = LookResult(), time.monotonic() + LOOK_SECONDS
    for row in rows[:MAX_LOOKS]:
        try:
            report = call_with_key(key, partial(fetch_one, name=row.deployment_name, ends=ends), now=now)
        except NotFound:
            looked.gone.append(row.deployment_id)
        except (RoboflowError, KeyUnreadable):
            return looked  # not known: it stays missing
        else:
            if report.deployment_id == row.deployment_id:
                looked.there.append(report)
            else:
                looked.gone.append(row.deployment_id)
    return looked


def fetch_one(client: Client, secret: Secret, *, name: str, ends: float) -> DeploymentReport:
    """Ask `/get` once; all that a sync asks shares one deadline (monotonic seconds)."""
    return client.get_deployment(secret, name, attempts=1, deadline_seconds=ends - time.monotonic())
