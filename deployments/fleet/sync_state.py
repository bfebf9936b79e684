"""Write how a sync went: on its workspace, where pages and the next sync read it."""

from datetime import datetime
from functools import partial
from typing import Any

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import F

from deployments.fleet.due import next_sync_at
from deployments.fleet.models import Deployment
from deployments.fleet.observed import record_gap
from deployments.keys.watch import ReadingPaused
from deployments.ledger.kinds import PENDING
from deployments.ledger.models import Operation
from deployments.ledger.states import State
from deployments.roboflow.schema import DeploymentList
from deployments.workspaces.due import LEAST_BETWEEN
from deployments.workspaces.models import Workspace
from portal.queue.publish import publish

MAX_NAMED = 20  # unreadable or partial entries that are named; of the others only the number is told
MAX_BAD_ENTRY_TEXT = 500
log = structlog.get_logger(__name__)


def record_success(
    workspace: Workspace,
    answer: DeploymentList,
    *,
    now: datetime,
    started: datetime,
    milliseconds: int,
    is_visible: bool,
    is_incomplete: bool,
    list_digest: str,
) -> None:
    """Write that the cache agrees, as of `now`, with a list that was asked for at `started`.

    `is_visible`: something that pages show has changed. `is_incomplete`: some deployments that the list lacks
    or disputes are not looked up yet. `list_digest` is that of the list, if all of it is stored. If an
    operation is open, publish that the list may show its effect. Call it inside a transaction.
    """
    has_open = has_open_operations(workspace)
    entries = workspace.sync_bad_entries
    if not answer.is_identical:
        entries = [*bad_entries(answer), *partial_entries(workspace)]
    fields: dict[str, Any] = {
        "synced_at": now,
        "list_requested_at": started,
        "sync_milliseconds": milliseconds,
        "sync_error": "",
        "sync_error_reading": "",
        "sync_failures": 0,
        "sync_failed_since": None,
        "sync_bad_entries": entries,
        "sync_due_at": next_due_time(workspace, now=now, has_open=has_open, is_incomplete=is_incomplete),
    }
    if is_visible or entries != workspace.sync_bad_entries:
        fields["revision"] = F("revision") + 1
    fields["list_digest"] = list_digest
    # A change by anybody else since this sync began makes the revision another one.
    fields["list_revision"] = workspace.revision + ("revision" in fields)
    record_gap(workspace, now=now)
    Workspace.objects.filter(pk=workspace.pk).update(**fields)
    if has_open:
        transaction.on_commit(partial(publish, "operations.settle", workspace.pk), robust=True)


def bad_entries(answer: DeploymentList) -> list[dict[str, Any]]:
    """Return the unreadable entries of a list as they are shown: the first ones, and how many more."""
    named = [
        {"index": entry.index, "why": entry.why, "text": entry.text[:MAX_BAD_ENTRY_TEXT]}
        for entry in answer.bad[:MAX_NAMED]
    ]
    more = len(answer.bad) - len(named)
    return [*named, {"why": f"and {more} more that could not be read", "text": ""}] if more else named


def partial_entries(workspace: Workspace) -> list[dict[str, Any]]:
    """Return the deployments whose last report lacked values that we know and keep, as they are shown."""
    lacking = Deployment.objects.filter(workspace=workspace, gone_at=None, partial_fields__gt="")
    # Sorted here: a database that sorts reads them by name, and so all deployments.
    rows = sorted(lacking.values_list("deployment_name", "partial_fields"))
    named = [
        {
            "why": f"{name} was reported without {fields.replace(',', ', ')}: the known values are kept",
            "text": "",
        }
        for name, fields in rows[:MAX_NAMED]
    ]
    more = len(rows) - len(named)
    return [*named, {"why": f"and {more} more that lacked values", "text": ""}] if more else named


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
            workspace,
            now=now,
            has_open=has_open_operations(workspace),
            failures=failures,
            retry_after_seconds=retry_after_seconds,
        ),
    }
    if failures == 1 or upstream_text != workspace.sync_error:
        fields["revision"] = F("revision") + 1
    Workspace.objects.filter(pk=workspace.pk).update(**fields)


def record_pause(workspace: Workspace, paused: ReadingPaused, *, now: datetime) -> None:
    """Write that the list was not asked for, why, and until when. Nothing was sent, so it is no failure."""
    fields: dict[str, Any] = {
        "sync_error": "",
        "sync_error_reading": paused.reading,
        "sync_failed_since": workspace.sync_failed_since or paused.since or now,
        "sync_due_at": max(paused.retry_at, now + LEAST_BETWEEN),
    }
    if paused.reading != workspace.sync_error_reading:
        fields["revision"] = F("revision") + 1
    Workspace.objects.filter(pk=workspace.pk).update(**fields)


def next_due_time(
    workspace: Workspace,
    *,
    now: datetime,
    has_open: bool,
    is_incomplete: bool = False,
    failures: int = 0,
    retry_after_seconds: float | None = None,
) -> datetime:
    """Return when `workspace`, as it was read before the sync, is due next; `has_open` for open operations.

    A due time that was set during a sync that succeeded (a person pressed **Retry now**, an operation
    moved) is kept if it is earlier.
    """
    stored = Workspace.objects.only("watched_until", "sync_due_at").get(pk=workspace.pk)
    due = next_sync_at(
        now=now,
        is_moving=has_open or is_starting(workspace),
        settling_seconds=settling_seconds(workspace, now=now) if has_open else None,
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


def has_open_operations(workspace: Workspace) -> bool:
    """Return whether an operation of the workspace is open."""
    return Operation.objects.open().filter(workspace=workspace).exists()


def is_starting(workspace: Workspace) -> bool:
    """Return whether a deployment of the workspace is starting: then the next change comes soon."""
    return Deployment.objects.filter(workspace=workspace, gone_at=None, status=PENDING).exists()


def settling_seconds(workspace: Workspace, *, now: datetime) -> float | None:
    """Return how long ago Roboflow accepted the newest operation that the list does not show yet, or None."""
    accepted = Operation.objects.filter(workspace=workspace, state=State.ACCEPTED, accepted_at__lte=now)
    newest = accepted.order_by("-accepted_at").values_list("accepted_at", flat=True).first()
    return (now - newest).total_seconds() if newest else None
