"""Read from Roboflow for a sync: the list, and `/get` for deployments that the list does not show."""

import random
import time
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from django.db.models import Count, Max

from deployments.fleet.models import Deployment
from deployments.keys.models import ApiKey
from deployments.keys.open import KeyUnreadable, call_with_key, reader_keys
from deployments.keys.watch import ReadingPaused
from deployments.roboflow.client import Client
from deployments.roboflow.errors import KeyRefused, NotFound, RoboflowError
from deployments.roboflow.mask import Secret
from deployments.roboflow.schema import DeploymentList, DeploymentReport
from deployments.roboflow.sieve import KnownList
from deployments.workspaces.models import Workspace

# Deployments that one sync asks about; the next sync, soon after, asks about others.
MAX_LOOK_UPS = 20
DIGESTS = ("deployment_id", "list_digest")
# Deadlines. Together they are well within the soft time limit of a task.
LIST_SECONDS = 60.0
LOOK_UP_SECONDS = 30.0


class NoReader(Exception):
    """No member of the workspace holds a key that works."""


@dataclass
class LookUp:
    """What `/get` answered about deployments that the list did not show."""

    present: list[DeploymentReport] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)  # deployment_ids


def known_list(workspace: Workspace) -> KnownList:
    """Return what the portal knows of the workspace's last list, to read the next one with.

    Digests of before do not count any more when a key was stored since: an entry may contain it.
    """
    keys = ApiKey.objects.aggregate(count=Count("pk"), last=Max("pk"), at=Max("added_at"))
    is_agreed = workspace.list_revision == workspace.revision and not workspace.sync_error_reading
    rows = Deployment.objects.filter(workspace=workspace, list_digest__isnull=False)
    return KnownList(
        salt=f"{keys['count']}.{keys['last']}.{keys['at']}",
        whole=workspace.list_digest if is_agreed else "",
        entries=lambda: {row_id: digest or "" for row_id, digest in rows.values_list(*DIGESTS)},
    )


def fetch_list(workspace: Workspace, *, now: datetime) -> tuple[DeploymentList, ApiKey]:
    """Return Roboflow's list, and the key that read it. When a key is refused, another member's key is tried.

    Raises NoReader when no member has a key to try, the refusal when all of them are refused, ReadingPaused
    while nothing is sent, and RoboflowError.
    """
    refusal: Exception = NoReader()
    read = partial(list_deployments, known=known_list(workspace))
    for key in reader_keys(workspace):
        try:
            return call_with_key(key, read, now=now, reading=True, background=True), key
        except (KeyRefused, KeyUnreadable) as error:
            refusal = error
    raise refusal


def list_deployments(client: Client, secret: Secret, *, known: KnownList) -> DeploymentList:
    """Call `/list` within LIST_SECONDS."""
    return client.list_deployments(secret, known=known, deadline_seconds=LIST_SECONDS)


def look_up(rows: list[Deployment], key: ApiKey, *, now: datetime) -> LookUp:
    """Ask `/get` about deployments that a list lacks or disputes, at most MAX_LOOK_UPS of them, in any order.

    Not found, or another id under its name, means that it is gone. After an error the next one is asked, but
    not after a second error, or when reading is paused: then Roboflow is in trouble. What was not asked stays
    as it is.
    """
    found, ends, errors = LookUp(), time.monotonic() + LOOK_UP_SECONDS, 0
    some = random.sample(rows, k=min(len(rows), MAX_LOOK_UPS))  # so that no hopeless ones starve the others
    for row in some:
        try:
            get = partial(get_deployment, name=row.deployment_name, ends=ends)
            report = call_with_key(key, get, now=now, background=True)
        except NotFound:
            found.gone.append(row.deployment_id)
        except ReadingPaused:
            break
        except (RoboflowError, KeyUnreadable):
            errors += 1
            if errors > 1:
                break
        else:
            if report.deployment_id == row.deployment_id:
                found.present.append(report)
            else:
                found.gone.append(row.deployment_id)
    return found


def get_deployment(client: Client, secret: Secret, *, name: str, ends: float) -> DeploymentReport:
    """Call `/get` once. `ends` (monotonic seconds) is the one deadline of all look-ups of a sync."""
    return client.get_deployment(secret, name, attempts=1, deadline_seconds=ends - time.monotonic())
