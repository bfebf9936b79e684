"""Write what Roboflow reports: rows, the timeline, and entries for what changed outside the portal."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from deployments.fleet.compare import Comparison, StatusStep, add_change
from deployments.fleet.facts import FACTS, digest_of_report, is_blank, lacking_fields
from deployments.fleet.models import Deployment, StatusChange
from deployments.ledger.kinds import DELETED, EXPIRED, Kind, action_of
from deployments.ledger.models import Operation
from deployments.roboflow.schema import DeploymentReport
from deployments.workspaces.models import Workspace
from deployments.workspaces.revision import bump_revision
from portal.audit.actions import Action
from portal.audit.append import Entry, Subject, append_events
from portal.audit.origin import OUTSIDE, Origin
from portal.web.many_rows import update_rows

WRITTEN_FIELDS = [
    *FACTS,
    "upstream",
    "digest",
    "list_digest",
    "reported_at",
    "status_since",
    "status_before",
    "status_by",
    "missing_since",
    "gone_at",
    "is_listed",
    "partial_fields",
]


def deployment_subject(row: Deployment) -> Subject:
    """Return the trail's subject for a deployment."""
    return Subject(
        type="deployment", id=row.deployment_id, name=row.deployment_name, deployment_id=row.deployment_id
    )


def fill_row(row: Deployment, report: DeploymentReport, *, by: str = "", now: datetime) -> None:
    """Copy a report into a row, without saving it. If it brings another status, `by` asked for it here.

    What is reported is not missing, and not gone unless it is reported as deleted.
    """
    if not row.pk or report.status not in (row.status, ""):
        row.status_since, row.status_before, row.status_by = now, row.status, by
    row.partial_fields = ",".join(lacking_fields(row, report))
    for name in FACTS:
        if not is_blank(value := getattr(report, name)):  # an answer that lacks a value takes back none
            setattr(row, name, value)
    row.upstream, row.list_digest = report.raw, None
    row.digest = digest_of_report(report)
    row.reported_at = now
    row.missing_since = None
    row.gone_at = (row.gone_at or now) if row.status == DELETED else None


def build_row(
    workspace: Workspace, report: DeploymentReport, *, by: str = "", now: datetime, is_first: bool
) -> Deployment:
    """Return an unsaved row for a deployment that is reported for the first time; `by` made it here.

    In the first sync of a workspace (`is_first`) it may have existed for long, so its duration did not
    begin now.
    """
    row = Deployment(
        workspace=workspace,
        deployment_id=report.deployment_id,
        first_seen_at=now,
        seen_from_birth=not is_first,
    )
    fill_row(row, report, by=by, now=now)
    return row


def store_comparison(
    workspace: Workspace,
    rows: dict[str, Deployment],
    found: Comparison,
    *,
    digests: Mapping[str, str],
    now: datetime,
    is_first: bool,
) -> list[Entry]:
    """Write only what a list changes; return the entries to append. `rows` are by deployment_id.

    `digests` are those of the list's entries, where it was they that brought the change. Call it inside a
    transaction, and append the entries last: whoever holds the head of the trail must not wait.
    """
    built = [build_row(workspace, report, now=now, is_first=is_first) for report in found.new]
    for row in built:
        row.list_digest = digests.get(row.deployment_id)
    created = Deployment.objects.bulk_create(built, batch_size=500)
    asked_by = found.asked_by
    for report in found.changed:
        fill_row(rows[report.deployment_id], report, by=asked_by.get(report.deployment_id, ""), now=now)
        rows[report.deployment_id].list_digest = digests.get(report.deployment_id)
        rows[report.deployment_id].is_listed = True
    for row_id in found.returned:
        rows[row_id].missing_since = rows[row_id].gone_at = None
        rows[row_id].is_listed = True
    for row_id in found.missing:
        rows[row_id].missing_since = rows[row_id].missing_since or now
        rows[row_id].list_digest = None
    touched = found.touched & rows.keys()
    update_rows([rows[row_id] for row_id in touched], WRITTEN_FIELDS)
    by_id = rows | {row.deployment_id: row for row in created}
    write_timeline(by_id, found, now=now)
    return list(outside_entries(workspace, by_id, found, now=now))


def write_timeline(rows: dict[str, Deployment], found: Comparison, *, now: datetime) -> None:
    """Write the first status of new rows, and each later step."""
    first = [
        StatusChange(deployment=rows[report.deployment_id], after=report.status, observed_at=now)
        for report in found.new
    ]
    later = [
        StatusChange(
            deployment=rows[step.deployment_id],
            before=step.before,
            after=step.after,
            observed_at=now,
            by=step.by,
        )
        for step in found.steps
    ]
    StatusChange.objects.bulk_create([*first, *later], batch_size=500)


def outside_entries(
    workspace: Workspace, rows: dict[str, Deployment], found: Comparison, *, now: datetime
) -> Iterable[Entry]:
    """Yield an entry for each change that no operation of ours explains."""
    for report in found.outside_new:
        yield outside_entry(
            action_of(Kind.CREATE, "outside"),
            workspace,
            rows[report.deployment_id],
            now,
            by=Origin(actor_name=report.creator_email, source="outside"),
            changes={"status": (None, report.status)},
        )
    for step in found.steps:
        if step.kind and not step.by:
            row = rows[step.deployment_id]
            yield outside_entry(
                outside_action(step),
                workspace,
                row,
                now,
                changes={"status": (step.before, step.after)},
                reason=pause_hint(step, row),
            )
    for row_id, changes in found.outside_changes.items():
        yield outside_entry(Action.OUTSIDE_CHANGED, workspace, rows[row_id], now, changes=changes)


def outside_action(step: StatusStep) -> str:
    """Return the trail's action for a step that nobody asked for here."""
    return Action.OUTSIDE_CHANGED if step.kind == "change" else action_of(step.kind, "outside")


def pause_hint(step: StatusStep, row: Deployment) -> str:
    """Return a second explanation for a pause, if Roboflow can have done it by itself; otherwise ""."""
    is_pause_of_dev = step.kind == Kind.PAUSE and row.is_dev
    return "or by Roboflow itself, after an hour without requests" if is_pause_of_dev else ""


def outside_entry(
    action: str, workspace: Workspace, row: Deployment, now: datetime, *, by: Origin = OUTSIDE, **more: Any
) -> Entry:
    """Return an entry for a change that was made outside the portal."""
    return Entry(action=action, by=by, at=now, about=deployment_subject(row), workspace=workspace, **more)


def store_gone(
    workspace: Workspace, gone: list[Deployment], *, by_id: dict[str, str], now: datetime
) -> list[Entry]:
    """Write that deployments are no longer at Roboflow; return the entries to append, last.

    `by_id` has the names of those who asked for it here, by deployment_id. Without a name it came from
    outside, unless the deployment had expired. Call it inside a transaction.
    """
    entries = []
    for row in gone:
        row.gone_at, row.list_digest = now, None  # so that a list that shows it again is compared with it
        by = by_id.get(row.deployment_id, "")
        StatusChange.objects.create(deployment=row, before=row.status, after="gone", observed_at=now, by=by)
        if not by and row.status != EXPIRED:
            changes: dict[str, Any] = {"status": (row.status, "gone")}
            entries.append(outside_entry(Action.OUTSIDE_GONE, workspace, row, now, changes=changes))
    update_rows(gone, ["gone_at", "list_digest"])
    return entries


def store_report(
    workspace: Workspace, report: DeploymentReport, *, operation: Operation, now: datetime
) -> Deployment:
    """Write what `/get` or `/add` answered about one deployment while `operation` is open; return the row.

    As in a sync, a change that the operation does not explain came from outside. Call it inside a
    transaction.
    """
    creator = operation.actor_name if operation.facts.makes_new else ""
    row = lock_row(workspace, report.deployment_id) or insert_row(workspace, report, by=creator, now=now)
    entries: list[Entry] = []
    if row.digest != digest_of_report(report) or row.missing_since:
        found = Comparison()
        add_change(found, row, report, [operation], started=now)
        fill_row(row, report, by=found.asked_by.get(row.deployment_id, ""), now=now)
        row.save()
        rows = {row.deployment_id: row}
        write_timeline(rows, found, now=now)
        entries = list(outside_entries(workspace, rows, found, now=now))
    bump_revision(workspace.pk, Deployment.objects.filter(pk=row.pk))
    append_events(entries)
    return row


def lock_row(workspace: Workspace, deployment_id: str) -> Deployment | None:
    """Return a deployment's row, locked until the transaction ends, or None."""
    rows = Deployment.objects.select_for_update()
    return rows.filter(workspace=workspace, deployment_id=deployment_id).first()


def insert_row(workspace: Workspace, report: DeploymentReport, *, by: str, now: datetime) -> Deployment:
    """Insert and return the row of a deployment that is reported for the first time, with its first status.

    A sync may insert it at the same time: then wait for that, and return the row locked.
    """
    row = build_row(workspace, report, by=by, now=now, is_first=False)
    row.is_listed = False
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError:
        existing = lock_row(workspace, report.deployment_id)
        assert existing is not None
        return existing
    StatusChange.objects.create(deployment=row, after=report.status, observed_at=now, by=by)
    return row
