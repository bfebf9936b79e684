"""Read a workspace's list and make the cache agree with it. A bad answer changes no deployment."""

import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

import structlog
from django.conf import settings
from django.db import IntegrityError, transaction

from deployments.fleet.compare import Comparison, changed_ids, compare_list, is_decisive
from deployments.fleet.evidence import (
    deleters_by_id,
    explaining_operations,
    ids_written_since,
    new_names,
    statuses_left,
)
from deployments.fleet.facts import digest_of_report
from deployments.fleet.fetch import NoReader, fetch_list, look_up
from deployments.fleet.in_question import rows_in_question, store_agreement
from deployments.fleet.models import Deployment, DeploymentQuerySet
from deployments.fleet.store import store_comparison, store_gone
from deployments.fleet.sync_state import record_failure, record_pause, record_success
from deployments.keys.models import ApiKey
from deployments.keys.open import KeyUnreadable
from deployments.keys.watch import ReadingPaused
from deployments.ledger.kinds import ENDED_STATUSES
from deployments.roboflow.errors import RateLimited, RoboflowError
from deployments.roboflow.schema import BadEntry, DeploymentList
from deployments.workspaces.due import LONGEST_UNBEGUN
from deployments.workspaces.models import Workspace
from deployments.workspaces.revision import bump_revision, stamp_revision
from portal.audit.append import append_events
from portal.clock import now as clock
from portal.queue.lease import Held, holding_lease, is_still_held
from portal.queue.publish import publish

log = structlog.get_logger(__name__)
# How much older than other answers, and than the list before it, a list may be; at most an idle interval.
LAG = timedelta(seconds=60)
MOST_LAST_LOOKS = 50  # logs of deployments that disappeared, read at once; those of others when they are due


class SuddenlyEmpty(Exception):
    """Roboflow's list is empty though we know live deployments: this may be an error of theirs."""


def publish_due_syncs(*, now: datetime, workspace_id: int | None = None) -> int:
    """Publish a sync for each workspace that is due, or for one of them if it is; return how many."""
    count, claim = 0, min(LONGEST_UNBEGUN, timedelta(seconds=settings.SYNC_IDLE_SECONDS))
    due = Workspace.objects.due(now)
    if workspace_id is not None:
        due = due.filter(pk=workspace_id)
    for pk, due_at in due.values_list("pk", "sync_due_at"):
        # Compare-and-set: of two beats that read the same due time, one publishes.
        rows = Workspace.objects.filter(pk=pk, sync_due_at=due_at)
        if rows.update(sync_due_at=now + claim, sync_published_at=now):
            if not publish("fleet.sync", pk):
                Workspace.objects.filter(pk=pk).update(sync_published_at=None)
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
    Workspace.objects.filter(pk=workspace.pk).update(sync_attempted_at=started, sync_published_at=None)
    try:
        answer, key = fetch_list(workspace, now=started)
        answer = without_nameless(workspace, answer)
        is_empty = not (answer.deployments or answer.unchanged or answer.is_identical)
        if is_empty and known_deployments(workspace).exists():
            store_gone_of_empty_list(workspace, key, held, started)
            raise SuddenlyEmpty
    except ReadingPaused as paused:
        record_pause(workspace, paused, now=clock())
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
        store_list_with_retry(workspace, ReadList(answer, key, started, milliseconds), held)


def without_nameless(workspace: Workspace, answer: DeploymentList) -> DeploymentList:
    """Return the list without entries that lack a name, unless we know it; those count as unreadable."""
    nameless = [report.deployment_id for report in answer.deployments if not report.deployment_name]
    if not nameless:
        return answer
    rows = Deployment.objects.filter(workspace=workspace, deployment_id__in=nameless)
    known = set(rows.values_list("deployment_id", flat=True))
    good = [one for one in answer.deployments if one.deployment_name or one.deployment_id in known]
    bad = [
        BadEntry(index, "It has no deployment_name.", one.deployment_id)
        for index, one in enumerate(answer.deployments)
        if not one.deployment_name and one.deployment_id not in known
    ]
    return replace(answer, deployments=good, bad=[*answer.bad, *bad])


def known_deployments(workspace: Workspace) -> DeploymentQuerySet:
    """Return the workspace's live deployments, which a list should show."""
    rows: DeploymentQuerySet = Deployment.objects.filter(workspace=workspace, gone_at=None)
    return rows.exclude(status__in=ENDED_STATUSES)


def store_gone_of_empty_list(workspace: Workspace, key: ApiKey, held: Held, started: datetime) -> None:
    """Ask `/get` about each deployment, as an empty list proves nothing, and store those that are gone."""
    rows = {row.deployment_id: row for row in known_deployments(workspace)}
    looked_up = look_up(list(rows.values()), key, now=started)
    gone = [rows[row_id] for row_id in looked_up.gone]
    with transaction.atomic(durable=True):
        if gone and is_still_held(held):
            by_id = deleters_by_id(workspace, looked_up.gone)
            entries = store_gone(workspace, gone, by_id=by_id, now=clock())
            bump_revision(workspace.pk, rows_of(workspace, looked_up.gone))
            append_events(entries)


def rows_of(workspace: Workspace, ids: Iterable[str]) -> DeploymentQuerySet:
    """Return the rows with these deployment_ids."""
    rows: DeploymentQuerySet = Deployment.objects.filter(workspace=workspace, deployment_id__in=set(ids))
    return rows


@dataclass(frozen=True)
class ReadList:
    """A list, when it was asked for (`started`), with which key, and how long it took."""

    answer: DeploymentList
    key: ApiKey
    started: datetime
    milliseconds: int


def store_list_with_retry(workspace: Workspace, read: ReadList, held: Held) -> None:
    """Store a list. Retry once, because an operation can insert the same new deployment at the same time."""
    try:
        store_list(workspace, read, held)
    except IntegrityError:
        store_list(workspace, read, held)


def store_list(workspace: Workspace, read: ReadList, held: Held) -> None:
    """Store what a list changes, in one transaction. Write nothing when the lease was lost."""
    if read.answer.is_identical:
        store_identical_list(workspace, read, held)
        return
    is_first = workspace.synced_at is None
    rows = rows_in_question(workspace, read.answer)
    found, gone_ids, is_incomplete = compare_and_look_up(workspace, rows, read, is_first=is_first)
    current_time = clock()
    with transaction.atomic(durable=True):
        if not is_still_held(held):
            return
        # An operation may have written rows since the list was requested: they are newer than the list.
        written = ids_written_since(workspace, read.started, now=current_time)
        found.drop_rows(written)
        gone = [rows[row_id] for row_id in gone_ids if row_id not in written]
        digests = {
            row_id: digest for row_id, digest in read.answer.digests.items() if row_id not in found.looked_up
        }
        entries = store_comparison(
            workspace, rows, found, digests=digests, now=current_time, is_first=is_first
        )
        is_agreed = store_agreement(rows, found, read.answer, except_for=written)
        by_id = deleters_by_id(workspace, [row.deployment_id for row in gone])
        entries += store_gone(workspace, gone, by_id=by_id, now=current_time)
        had_error = bool(workspace.sync_error_reading)
        record_success(
            workspace,
            read.answer,
            now=current_time,
            started=read.started,
            milliseconds=read.milliseconds,
            is_visible=is_first or had_error or bool(gone) or not found.is_empty,
            is_incomplete=is_incomplete,
            list_digest=read.answer.whole if is_agreed and not gone and not is_incomplete else "",
        )
        touched = found.touched | {row.deployment_id for row in gone}
        stamp_revision(workspace.pk, rows_of(workspace, touched))
        lost = [*gone, *(row for row in rows.values() if row.missing_since == current_time)]
        for row in lost[:MOST_LAST_LOOKS]:  # what its log still has is read while that is possible
            transaction.on_commit(partial(publish, "logs.harvest", row.pk), robust=True)
        append_events(entries)  # last: the head of the trail is the one row that everybody waits for


def store_identical_list(workspace: Workspace, read: ReadList, held: Held) -> None:
    """Store that the list is the same as the last one, when nothing of the workspace has changed since."""
    with transaction.atomic(durable=True):
        if not is_still_held(held):
            return
        record_success(
            workspace,
            read.answer,
            now=clock(),
            started=read.started,
            milliseconds=read.milliseconds,
            is_visible=False,
            is_incomplete=False,
            list_digest=read.answer.whole,
        )


def compare_and_look_up(
    workspace: Workspace,
    rows: dict[str, Deployment],
    read: ReadList,
    *,
    is_first: bool,
) -> tuple[Comparison, list[str], bool]:
    """Compare the list with the rows, and ask `/get` about missing and disputed deployments.

    Return what changed, the ids of those that are gone, and whether some questions are still open.
    """
    listed = read.answer.deployments
    reports = {report.deployment_id: report for report in listed}
    digests = {row_id: digest_of_report(report) for row_id, report in reports.items()}
    changed = changed_ids(rows, digests)
    lag = min(LAG, timedelta(seconds=settings.SYNC_IDLE_SECONDS))
    compare = partial(
        compare_list,
        rows,
        operations=explaining_operations(workspace, changed, new_names(rows, reports), now=read.started),
        started=read.started,
        now=clock(),
        is_first=is_first,
        lag=lag,
    )
    left = partial(statuses_left, rows, changed=changed, since=read.started - lag, until=read.started)
    found = compare(listed, left=left(reports), digest=lambda report: digests[report.deployment_id])
    asked = [rows[row_id] for row_id in (*found.disputed, *found.missing)]
    if not asked:
        return found, [], False
    looked_up = look_up(asked, read.key, now=read.started)
    decisive = [
        report
        for report in looked_up.present
        if is_decisive(rows[report.deployment_id], reports.get(report.deployment_id), report)
    ]
    unlisted = [report for report in looked_up.present if report.deployment_id not in reports]
    reports |= {report.deployment_id: report for report in (*decisive, *unlisted)}
    # Listed as deleted and unknown to /get. Listed as alive and unknown to /get decides nothing: the list
    # lags.
    agreed = [
        row_id for row_id in looked_up.gone if row_id in reports and reports[row_id].status in ENDED_STATUSES
    ]
    decided = {*agreed, *(report.deployment_id for report in decisive)}
    found = compare(list(reports.values()), left=left(reports), decided=decided)
    found.looked_up = {row.deployment_id for row in asked}
    gone = [row_id for row_id in looked_up.gone if row_id not in reports]
    answered = len(looked_up.gone) + len(looked_up.present)
    return found, gone, bool(found.disputed) or answered < len(asked)
