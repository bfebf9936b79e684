"""Read a workspace's list and make the cache agree with it. A bad answer changes no deployment."""

import time
from datetime import datetime, timedelta
from functools import partial

import structlog
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils.timezone import now as clock

from deployments.fleet.compare import compare_list, is_newer_than_list
from deployments.fleet.fetch import MAX_LOOK_UPS, NoReader, fetch_list, look_up_missing
from deployments.fleet.models import ENDED_STATUSES, Deployment, DeploymentQuerySet
from deployments.fleet.store import store_comparison, store_gone
from deployments.fleet.sync_state import record_failure, record_success
from deployments.keys.models import ApiKey
from deployments.keys.open import KeyUnreadable
from deployments.ledger.kinds import Kind
from deployments.ledger.models import Operation
from deployments.ledger.states import NOT_DONE_STATES
from deployments.roboflow.errors import RateLimited, RoboflowError
from deployments.roboflow.schema import DeploymentList
from deployments.workspaces.models import Workspace
from portal.queue.lease import Held, holding_lease, is_still_held
from portal.queue.publish import publish

log = structlog.get_logger(__name__)
# A published sync that never ran is due again after this, or after an idle interval if that is shorter.
CLAIM_TIME = timedelta(seconds=30)
# An operation explains changes that are seen this long after it was requested.
EXPLAINS_FOR = timedelta(days=1)
# How much older than the answers of /get and /add a list may be; never more than an idle interval.
LAG = timedelta(seconds=60)


class SuddenlyEmpty(Exception):
    """Roboflow's list is empty though we know live deployments: this may be an error of theirs."""


def publish_due_syncs(*, now: datetime) -> int:
    """Publish a sync for each workspace that is due; return how many."""
    count, claim = 0, min(CLAIM_TIME, timedelta(seconds=settings.SYNC_IDLE_SECONDS))
    for pk, due_at in Workspace.objects.due(now).values_list("pk", "sync_due_at"):
        # Compare-and-set: of two beats that read the same due time, one publishes.
        if Workspace.objects.filter(pk=pk, sync_due_at=due_at).update(sync_due_at=now + claim):
            publish("fleet.sync", pk)
            count += 1
    return count


def sync_workspace(workspace_id: int) -> None:
    """Sync one workspace. Do nothing while another worker syncs it, or when it does not exist."""
    with holding_lease(f"fleet.sync.{workspace_id}", now=clock()) as held:
        workspace = Workspace.objects.filter(pk=workspace_id).first()
        if held is None or workspace is None:
            return
        try:
            sync_once(workspace, held)
        except Exception as error:
            # Whatever Roboflow's answer made fail: pages must say so, and the next sync must wait.
            log.exception("sync_broke", workspace=workspace.slug)
            message = f"The portal could not work with Roboflow's answer ({type(error).__name__})."
            record_failure(workspace, message, now=clock())


def sync_once(workspace: Workspace, held: Held) -> None:
    """Read, compare and write; record any failure that we know."""
    started, ticks = clock(), time.monotonic()
    Workspace.objects.filter(pk=workspace.pk).update(sync_attempted_at=started)
    try:
        answer, key = fetch_list(workspace, now=started)
        if not answer.deployments and known_deployments(workspace).exists():
            store_gone_of_empty_list(workspace, key, held, started)
            raise SuddenlyEmpty
    except NoReader:
        record_failure(workspace, "No member's key works: add or replace a key.", now=clock())
    except SuddenlyEmpty:
        record_failure(workspace, "Roboflow's list is suddenly empty. Nothing was changed.", now=clock())
    except KeyUnreadable as error:
        record_failure(workspace, str(error), now=clock())
    except RoboflowError as error:
        record_failure(
            workspace,
            error.reading,
            upstream_text=error.text,
            now=clock(),
            retry_after_seconds=error.retry_after if isinstance(error, RateLimited) else None,
        )
    else:
        milliseconds = int((time.monotonic() - ticks) * 1000)
        store_list_with_retry(workspace, answer, key, held, started=started, milliseconds=milliseconds)


def known_deployments(workspace: Workspace) -> DeploymentQuerySet:
    """Return the workspace's live deployments, which a list should show."""
    rows: DeploymentQuerySet = Deployment.objects.filter(workspace=workspace, gone_at=None)
    return rows.exclude(status__in=ENDED_STATUSES)


def store_gone_of_empty_list(workspace: Workspace, key: ApiKey, held: Held, started: datetime) -> None:
    """Ask `/get` about each deployment, as an empty list proves nothing, and store those that are gone."""
    rows = {row.deployment_id: row for row in known_deployments(workspace)[:MAX_LOOK_UPS]}
    looked_up = look_up_missing(list(rows.values()), key, now=started)
    gone = [rows[row_id] for row_id in looked_up.gone]
    with transaction.atomic(durable=True):
        if gone and is_still_held(held):
            store_gone(workspace, gone, by_id=deleters_by_id(workspace), now=clock())
            Workspace.objects.filter(pk=workspace.pk).update(revision=F("revision") + 1)


def store_list_with_retry(
    workspace: Workspace,
    answer: DeploymentList,
    key: ApiKey,
    held: Held,
    *,
    started: datetime,
    milliseconds: int,
) -> None:
    """Store a list. Retry once, because an operation can insert the same new deployment at the same time."""
    try:
        store_list(workspace, answer, key, held, started=started, milliseconds=milliseconds)
    except IntegrityError:
        store_list(workspace, answer, key, held, started=started, milliseconds=milliseconds)


def store_list(
    workspace: Workspace,
    answer: DeploymentList,
    key: ApiKey,
    held: Held,
    *,
    started: datetime,
    milliseconds: int,
) -> None:
    """Store what a list changes, in one transaction. Write nothing when the lease was lost.

    `started` is when the list was requested; reading it took `milliseconds`.
    """
    is_first = workspace.synced_at is None
    rows = {row.deployment_id: row for row in Deployment.objects.filter(workspace=workspace)}
    compare = partial(
        compare_list,
        rows,
        operations=explaining_operations(workspace, now=started),
        started=started,
        is_first=is_first,
        lag=min(LAG, timedelta(seconds=settings.SYNC_IDLE_SECONDS)),
    )
    found = compare(answer.deployments)
    looked_up = look_up_missing([rows[row_id] for row_id in found.missing], key, now=started)
    if looked_up.present:
        found = compare([*answer.deployments, *looked_up.present])
    current_time = clock()
    with transaction.atomic(durable=True):
        if not is_still_held(held):
            return
        # An operation may have written rows since the list was requested: they are newer than the list.
        written = ids_written_since(workspace, started)
        found.drop_rows(written)
        gone = [rows[row_id] for row_id in looked_up.gone if row_id not in written]
        store_comparison(workspace, rows, found, now=current_time, is_first=is_first)
        store_gone(workspace, gone, by_id=deleters_by_id(workspace), now=current_time)
        had_error = bool(workspace.sync_error_reading)
        record_success(
            workspace,
            answer,
            now=current_time,
            milliseconds=milliseconds,
            is_visible=is_first or had_error or bool(gone) or not found.is_empty,
            is_incomplete=len(found.missing) > MAX_LOOK_UPS,
        )


def ids_written_since(workspace: Workspace, started: datetime) -> set[str]:
    """Return the deployment_ids of the rows that were written after a list was requested at `started`."""
    written = Deployment.objects.filter(workspace=workspace, reported_at__gt=started)
    return {
        row_id
        for row_id, reported_at in written.values_list("deployment_id", "reported_at")
        if is_newer_than_list(reported_at, started)
    }


def explaining_operations(workspace: Workspace, *, now: datetime) -> list[Operation]:
    """Return the operations of the last EXPLAINS_FOR that can explain what changed, newest first."""
    recent = Operation.objects.filter(workspace=workspace, requested_at__gt=now - EXPLAINS_FOR)
    return list(recent.exclude(state__in=NOT_DONE_STATES).order_by("-requested_at")[:500])


def deleters_by_id(workspace: Workspace) -> dict[str, str]:
    """Return, by deployment_id, the name of the person who asked here to delete it."""
    kinds = [kind for kind in Kind if kind.facts.removes]
    deletes = Operation.objects.sent().filter(workspace=workspace, kind__in=kinds)
    return dict(deletes.order_by("requested_at").values_list("target_id", "actor_name"))
