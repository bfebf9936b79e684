"""Writes what Roboflow reports: rows in bulk, the timeline, and what changed outside the portal."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from deployments.fleet.compare import FACTS, Comparison, StatusStep, add_change, digest_of_report
from deployments.fleet.models import DELETED, Deployment, StatusChange
from deployments.ledger.kinds import Kind, action_of
from deployments.ledger.models import Operation
from deployments.roboflow.schema import DeploymentReport
from deployments.workspaces.models import Workspace
from deployments.workspaces.revision import bump_revision
from portal.audit.actions import Action
from portal.audit.append import Entry, Subject, append_events
from portal.audit.origin import OUTSIDE, Origin

WRITTEN_FIELDS = [
    *FACTS,
    "upstream",
    "digest",
    "reported_at",
    "status_since",
    "missing_since",
    "gone_at",
    "revision",
]


def deployment_subject(row: Deployment) -> Subject:
    """Return how the trail names a deployment."""
    return Subject(
        type="deployment", id=row.deployment_id, name=row.deployment_name, deployment_id=row.deployment_id
    )


def fill_row(row: Deployment, report: DeploymentReport, *, now: datetime) -> None:
    """Put what is reported into a row."""
    if row.status != report.status or not row.pk:
        row.status_since = now
    for name in FACTS:
        setattr(row, name, getattr(report, name))
    row.upstream, row.digest, row.reported_at = report.raw, digest_of_report(report), now
    row.missing_since, row.gone_at = (
        None,
        now if report.status == DELETED and row.gone_at is None else row.gone_at,
    )
    if report.status != DELETED:
        row.gone_at = None
    row.revision += 1


def new_row(workspace: Workspace, report: DeploymentReport, *, now: datetime, is_first: bool) -> Deployment:
    """Return a row for a deployment that we see for the first time."""
    row = Deployment(
        workspace=workspace,
        deployment_id=report.deployment_id,
        first_seen_at=now,
        seen_from_birth=not is_first,
        revision=0,
    )
    fill_row(row, report, now=now)
    return row


def store_comparison(
    workspace: Workspace, rows: dict[str, Deployment], found: Comparison, *, now: datetime, is_first: bool
) -> None:
    """Write a comparison: only what changed. Call it inside a transaction."""
    fresh = Deployment.objects.bulk_create(
        [new_row(workspace, report, now=now, is_first=is_first) for report in found.new], batch_size=500
    )
    for report in found.changed:
        fill_row(rows[report.deployment_id], report, now=now)
    for key in found.back:
        rows[key].missing_since = rows[key].gone_at = None
    for key in found.missing:
        rows[key].missing_since = rows[key].missing_since or now
    touched = {*(report.deployment_id for report in found.changed), *found.back, *found.missing}
    Deployment.objects.bulk_update([rows[key] for key in touched], WRITTEN_FIELDS, batch_size=200)
    by_id = rows | {row.deployment_id: row for row in fresh}
    write_timeline(by_id, found, now=now)
    append_events(list(outside_entries(workspace, by_id, found, now=now)))


def write_timeline(rows: dict[str, Deployment], found: Comparison, *, now: datetime) -> None:
    """Write the first word of new rows and each later step."""
    births = [
        StatusChange(deployment=rows[one.deployment_id], after=one.status, observed_at=now)
        for one in found.new
    ]
    steps = [
        StatusChange(
            deployment=rows[one.deployment_id], before=one.before, after=one.after, observed_at=now, by=one.by
        )
        for one in found.steps
    ]
    StatusChange.objects.bulk_create([*births, *steps], batch_size=500)


def outside_entries(
    workspace: Workspace, rows: dict[str, Deployment], found: Comparison, *, now: datetime
) -> Iterable[Entry]:
    """Yield an event for each change that no operation of ours explains."""
    for report in found.outside_new:
        row = rows[report.deployment_id]
        by = Origin(actor_name=report.creator_email, source="outside")
        yield outside_entry(
            action_of(Kind.CREATE, "outside"),
            workspace,
            row,
            now,
            by=by,
            changes={"status": (None, report.status)},
        )
    for step in found.steps:
        if step.kind and not step.by:
            changes: dict[str, Any] = {"status": (step.before, step.after)}
            yield outside_entry(
                outside_action(step),
                workspace,
                rows[step.deployment_id],
                now,
                changes=changes,
                reason=pause_hint(step, rows),
            )
    for key, changed in found.outside_changes.items():
        yield outside_entry(Action.OUTSIDE_CHANGED, workspace, rows[key], now, changes=changed)


def outside_action(step: StatusStep) -> str:
    """Return the trail's action for a step that nobody asked for here."""
    return Action.OUTSIDE_CHANGED if step.kind == "change" else action_of(step.kind, "outside")


def pause_hint(step: StatusStep, rows: dict[str, Deployment]) -> str:
    """Roboflow pauses dev types itself, and tells nobody."""
    return (
        "or by Roboflow itself, after an hour without requests"
        if step.kind == "pause" and rows[step.deployment_id].is_dev
        else ""
    )


def outside_entry(
    action: str, workspace: Workspace, row: Deployment, now: datetime, *, by: Origin = OUTSIDE, **more: Any
) -> Entry:
    """Return an event from outside the portal."""
    return Entry(action=action, by=by, at=now, about=deployment_subject(row), workspace=workspace, **more)


def store_gone(workspace: Workspace, gone: list[Deployment], *, by_id: dict[str, str], now: datetime) -> None:
    """Write that deployments are no longer at Roboflow; `by_id` names who asked for it here. Call it inside a transaction."""
    entries = []
    for row in gone:
        row.gone_at, row.revision = now, row.revision + 1
        who = by_id.get(row.deployment_id, "")
        StatusChange.objects.create(deployment=row, before=row.status, after="gone", observed_at=now, by=who)
        if not who and row.status != "expired":
            entries.append(
                outside_entry(
                    Action.OUTSIDE_GONE, workspace, row, now, changes={"status": (row.status, "gone")}
                )
            )
    Deployment.objects.bulk_update(gone, ["gone_at", "revision"], batch_size=200)
    append_events(entries)


def store_report(
    workspace: Workspace, report: DeploymentReport, *, operation: Operation, now: datetime
) -> Deployment:
    """Write what one answer about one deployment (`/get`, `/add`) says while `operation` is under way; return the row.

    A change that this operation does not explain came from outside, here as in a sync. Call it inside a transaction.
    """
    maker = operation.actor_name if operation.facts.makes_new else ""
    row = lock_row(workspace, report.deployment_id) or insert_row(workspace, report, by=maker, now=now)
    if row.digest != digest_of_report(report) or row.missing_since:
        found = Comparison()
        add_change(found, row, report, [operation])
        fill_row(row, report, now=now)
        row.save()
        rows = {row.deployment_id: row}
        write_timeline(rows, found, now=now)
        append_events(list(outside_entries(workspace, rows, found, now=now)))
    bump_revision(workspace.pk)
    return row


def lock_row(workspace: Workspace, deployment_id: str) -> Deployment | None:
    """Return a row for writing."""
    return (
        Deployment.objects.select_for_update()
        .filter(workspace=workspace, deployment_id=deployment_id)
        .first()
    )


def insert_row(workspace: Workspace, report: DeploymentReport, *, by: str, now: datetime) -> Deployment:
    """Write a deployment that we see for the first time; a sync that writes it at the same moment is waited for."""
    row = new_row(workspace, report, now=now, is_first=False)
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError:
        existing = lock_row(workspace, report.deployment_id)
        assert existing is not None
        return existing
    StatusChange.objects.create(deployment=row, after=report.status, observed_at=now, by=by)
    return row
