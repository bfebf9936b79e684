"""Reads a workspace's list and makes the cache agree with it. A bad answer changes nothing but the sync state."""

import time
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils.timezone import now as clock

from deployments.fleet.compare import compare_list, is_newer_than_list
from deployments.fleet.due import next_sync_at
from deployments.fleet.fetch import MAX_LOOKS, NoReader, fetch_list, look_up_missing
from deployments.fleet.models import ENDED_STATUSES, PENDING, Deployment
from deployments.fleet.store import store_comparison, store_gone
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
CLAIM_TIME = timedelta(
    seconds=30
)  # a published sync that never ran is due again after this, or after a quiet interval
EXPLAINS_FOR = timedelta(days=1)
LAG = timedelta(
    seconds=60
)  # a list may lag so long behind what /get and /add said; never longer than a quiet interval


class SuddenlyEmpty(Exception):
    """Roboflow's list is empty though we know deployments: that may be an error of theirs."""


def publish_due_syncs(*, now: datetime) -> int:
    """Publish a sync for each workspace that is due; return how many."""
    count, claim = 0, min(CLAIM_TIME, timedelta(seconds=settings.SYNC_IDLE_SECONDS))
    for pk, due_at in Workspace.objects.due(now).values_list("pk", "sync_due_at"):
        if Workspace.objects.filter(pk=pk, sync_due_at=due_at).update(sync_due_at=now + claim):
            publish("fleet.sync", pk)
            count += 1
    return count


def sync_workspace(workspace_id: int) -> None:
    """Sync one workspace; harmless when called twice, or by two workers at once."""
    with holding_lease(f"fleet.sync.{workspace_id}", now=clock()) as held:
        workspace = Workspace.objects.filter(pk=workspace_id).first()
        if held is None or workspace is None:
            return
        try:
            sync_once(workspace, held)
        except (
            Exception
        ) as error:  # whatever Roboflow's answer did to us: pages must say so, and the next try must wait
            log.exception("sync_broke", workspace=workspace.slug)
            record_failure(
                workspace,
                f"The portal could not work with Roboflow's answer ({type(error).__name__}).",
                "",
                now=clock(),
            )


def sync_once(workspace: Workspace, held: Held) -> None:
    """Read, compare, write; a failure is written down, shown, and tried again later."""
    started, ticks = clock(), time.monotonic()
    Workspace.objects.filter(pk=workspace.pk).update(sync_attempted_at=started)
    try:
        answer, key = fetch_list(workspace, now=started)
        known = Deployment.objects.filter(workspace=workspace, gone_at=None).exclude(
            status__in=ENDED_STATUSES
        )
        if not answer.deployments and known.exists():
            confirm_empty_list(workspace, key, held, started)
            raise SuddenlyEmpty
    except NoReader:
        record_failure(workspace, "No member's key works: add or replace a key.", "", now=clock())
    except SuddenlyEmpty:
        record_failure(workspace, "Roboflow's list is suddenly empty. Nothing was changed.", "", now=clock())
    except KeyUnreadable as trouble:
        record_failure(workspace, str(trouble), "", now=clock())
    except RoboflowError as trouble:
        patience = trouble.retry_after if isinstance(trouble, RateLimited) else None
        record_failure(workspace, trouble.reading, trouble.text, now=clock(), retry_after=patience)
    else:
        store_list_with_retry(
            workspace, answer, key, held, started=started, milliseconds=int((time.monotonic() - ticks) * 1000)
        )


def store_list_with_retry(
    workspace: Workspace,
    answer: DeploymentList,
    key: ApiKey,
    held: Held,
    *,
    started: datetime,
    milliseconds: int,
) -> None:
    """Write what changed; once more when an operation wrote a new deployment in the same moment."""
    try:
        store_list(workspace, answer, key, held, started=started, milliseconds=milliseconds)
    except IntegrityError:
        store_list(workspace, answer, key, held, started=started, milliseconds=milliseconds)


def confirm_empty_list(workspace: Workspace, key: ApiKey, held: Held, started: datetime) -> None:
    """A list went empty: only `/get` can say of each that it is gone."""
    rows = {
        row.deployment_id: row
        for row in Deployment.objects.filter(workspace=workspace, gone_at=None).exclude(
            status__in=ENDED_STATUSES
        )[:MAX_LOOKS]
    }
    looked = look_up_missing(list(rows.values()), key, now=started)
    with transaction.atomic(durable=True):
        if looked.gone and is_still_held(held):
            store_gone(
                workspace, [rows[one] for one in looked.gone], by_id=deleters_by_id(workspace), now=clock()
            )
            Workspace.objects.filter(pk=workspace.pk).update(revision=F("revision") + 1)


def store_list(
    workspace: Workspace,
    answer: DeploymentList,
    key: ApiKey,
    held: Held,
    *,
    started: datetime,
    milliseconds: int,
) -> None:
    """Write what changed, in one transaction, if the lease is still ours."""
    is_first = workspace.synced_at is None
    rows = {row.deployment_id: row for row in Deployment.objects.filter(workspace=workspace)}
    asked, lag = load_asked(workspace, now=started), min(LAG, timedelta(seconds=settings.SYNC_IDLE_SECONDS))
    found = compare_list(rows, answer.deployments, asked=asked, started=started, is_first=is_first, lag=lag)
    looked = look_up_missing([rows[one] for one in found.missing], key, now=started)
    if looked.there:
        found = compare_list(
            rows,
            [*answer.deployments, *looked.there],
            asked=asked,
            started=started,
            is_first=is_first,
            lag=lag,
        )
    moment = clock()
    with transaction.atomic(durable=True):
        if not is_still_held(held):
            return
        written = ids_written_since(workspace, started)
        found.drop(written)
        store_comparison(workspace, rows, found, now=moment, is_first=is_first)
        gone = [rows[one] for one in looked.gone if one not in written]
        store_gone(workspace, gone, by_id=deleters_by_id(workspace), now=moment)
        visible = not found.is_empty or bool(gone) or bool(workspace.sync_error_reading) or is_first
        record_success(
            workspace,
            answer,
            now=moment,
            milliseconds=milliseconds,
            visible=visible,
            more_missing=len(found.missing) > MAX_LOOKS,
        )


def ids_written_since(workspace: Workspace, started: datetime) -> set[str]:
    """Return the ids of rows that an operation wrote while we were reading: it knows better."""
    later = Deployment.objects.filter(workspace=workspace, reported_at__gt=started).values_list(
        "deployment_id", "reported_at"
    )
    return {deployment_id for deployment_id, reported_at in later if is_newer_than_list(reported_at, started)}


def load_asked(workspace: Workspace, *, now: datetime) -> list[Operation]:
    """Return the operations that can explain what changed, newest first."""
    recent = Operation.objects.filter(workspace=workspace, requested_at__gt=now - EXPLAINS_FOR)
    return list(recent.exclude(state__in=NOT_DONE_STATES).order_by("-requested_at")[:500])


def deleters_by_id(workspace: Workspace) -> dict[str, str]:
    """Return, by deployment_id, the person who asked here to delete it."""
    kinds = [kind for kind in Kind if kind.facts.removes]
    deletes = Operation.objects.filter(workspace=workspace, kind__in=kinds).sent()  # type: ignore[attr-defined]
    return dict(deletes.order_by("requested_at").values_list("target_id", "actor_name"))


def record_success(
    workspace: Workspace,
    answer: DeploymentList,
    *,
    now: datetime,
    milliseconds: int,
    visible: bool,
    more_missing: bool,
) -> None:
    """Write that the cache agrees with Roboflow as of now."""
    bad = [{"index": one.index, "why": one.why, "text": one.text[:500]} for one in answer.bad[:20]]
    fields = {
        "synced_at": now,
        "sync_milliseconds": milliseconds,
        "sync_error": "",
        "sync_error_reading": "",
        "sync_failures": 0,
        "sync_failed_since": None,
        "sync_bad_entries": bad,
        "sync_due_at": next_due_time(workspace, now=now, unsure=more_missing),
    }
    if visible or bad != workspace.sync_bad_entries:
        fields["revision"] = F("revision") + 1
    Workspace.objects.filter(pk=workspace.pk).update(**fields)


def record_failure(
    workspace: Workspace, reading: str, words: str, *, now: datetime, retry_after: float | None = None
) -> None:
    """Write that Roboflow could not be read; the cache stays as it is, and says how old it is."""
    failures = workspace.sync_failures + 1
    log.warning("sync_failed", workspace=workspace.slug, failures=failures, reading=reading)
    due = next_due_time(workspace, now=now, failures=failures, retry_after=retry_after)
    fields = {
        "sync_error": words,
        "sync_error_reading": reading,
        "sync_failures": failures,
        "sync_due_at": due,
        "sync_failed_since": workspace.sync_failed_since or now,
    }
    if failures == 1 or words != workspace.sync_error:
        fields["revision"] = F("revision") + 1
    Workspace.objects.filter(pk=workspace.pk).update(**fields)


def next_due_time(
    workspace: Workspace,
    *,
    now: datetime,
    unsure: bool = False,
    failures: int = 0,
    retry_after: float | None = None,
) -> datetime:
    """Return when this workspace is due next; somebody who asked for an earlier one meanwhile gets it."""
    row = Workspace.objects.get(pk=workspace.pk)
    moving = (
        Deployment.objects.filter(workspace=workspace, gone_at=None, status=PENDING).exists()
        or Operation.objects.filter(workspace=workspace).open().exists()  # type: ignore[attr-defined]
    )
    due = next_sync_at(
        now=now,
        moving=moving,
        watched=row.is_watched(now),
        unsure=unsure,
        failures=failures,
        retry_after=retry_after,
        active=settings.SYNC_ACTIVE_SECONDS,
        idle=settings.SYNC_IDLE_SECONDS,
    )
    asked_meanwhile = row.sync_due_at if row.sync_due_at != workspace.sync_due_at and not failures else None
    return min(due, asked_meanwhile) if asked_meanwhile else due
