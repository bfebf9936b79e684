"""Write how a sync went: on its workspace, where pages and the next sync read it."""

from datetime import datetime
from typing import Any

import structlog
from django.conf import settings
from django.db.models import F

from deployments.fleet.due import next_sync_at
from deployments.fleet.models import PENDING, Deployment
from deployments.ledger.models import Operation
from deployments.roboflow.schema import DeploymentList
from deployments.workspaces.models import Workspace

MAX_BAD_ENTRIES = 20  # that are kept, each with this many characters:
MAX_BAD_ENTRY_TEXT = 500
log = structlog.get_logger(__name__)


def record_success(
    workspace: Workspace,
    answer: DeploymentList,
    *,
    now: datetime,
    milliseconds: int,
    is_visible: bool,
    is_incomplete: bool,
) -> None:
    """Write that the cache agrees with Roboflow as of `now`.

    `is_visible`: something that pages show has changed. `is_incomplete`: some missing deployments are not
    looked up.
    """
    bad = [
        {"index": entry.index, "why": entry.why, "text": entry.text[:MAX_BAD_ENTRY_TEXT]}
        for entry in answer.bad[:MAX_BAD_ENTRIES]
    ]
    fields: dict[str, Any] = {
        "synced_at": now,
        "sync_milliseconds": milliseconds,
        "sync_error": "",
        "sync_error_reading": "",
        "sync_failures": 0,
        "sync_failed_since": None,
        "sync_bad_entries": bad,
        "sync_due_at": next_due_time(workspace, now=now, is_incomplete=is_incomplete),
    }
    if is_visible or bad != workspace.sync_bad_entries:
        fields["revision"] = F("revision") + 1
    Workspace.objects.filter(pk=workspace.pk).update(**fields)


def record_failure(
    workspace: Workspace,
    message: str,
    *,
    now: datetime,
    upstream_text: str = "",
    retry_after_seconds: float | None = None,
) -> None:
    """Write that Roboflow could not be read: our `message` and Roboflow's text. The cache stays as it is."""
    failures = workspace.sync_failures + 1
    log.warning("sync_failed", workspace=workspace.slug, failures=failures, reading=message)
    fields: dict[str, Any] = {
        "sync_error": upstream_text,
        "sync_error_reading": message,
        "sync_failures": failures,
        "sync_failed_since": workspace.sync_failed_since or now,
        "sync_due_at": next_due_time(
            workspace, now=now, failures=failures, retry_after_seconds=retry_after_seconds
        ),
    }
    if failures == 1 or upstream_text != workspace.sync_error:
        fields["revision"] = F("revision") + 1
    Workspace.objects.filter(pk=workspace.pk).update(**fields)


def next_due_time(
    workspace: Workspace,
    *,
    now: datetime,
    is_incomplete: bool = False,
    failures: int = 0,
    retry_after_seconds: float | None = None,
) -> datetime:
    """Return when `workspace`, as it was read before the sync, is due next.

    A due time that was set during a sync that succeeded (a person pressed **Retry now**, an operation
    moved) is kept if it is earlier.
    """
    stored = Workspace.objects.get(pk=workspace.pk)
    due = next_sync_at(
        now=now,
        is_moving=is_moving(workspace),
        is_watched=stored.is_watched(now),
        is_incomplete=is_incomplete,
        failures=failures,
        retry_after_seconds=retry_after_seconds,
        active_seconds=settings.SYNC_ACTIVE_SECONDS,
        idle_seconds=settings.SYNC_IDLE_SECONDS,
    )
    if failures or stored.sync_due_at is None or stored.sync_due_at == workspace.sync_due_at:
        return due
    return min(due, stored.sync_due_at)


def is_moving(workspace: Workspace) -> bool:
    """Return whether a deployment is starting or an operation is open: then the next change comes soon."""
    starting = Deployment.objects.filter(workspace=workspace, gone_at=None, status=PENDING)
    return starting.exists() or Operation.objects.open().filter(workspace=workspace).exists()
