"""Compare stored rows with Roboflow's list: new, changed, missing, and what we did not ask for. Pure."""

import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from deployments.ledger.kinds import DELETED, Kind, is_done, kind_of_step
from deployments.roboflow.schema import DeploymentReport

FACTS = (
    "deployment_name",
    "machine_type",
    "creator_email",
    "creator_id",
    "subdomain",
    "domain",
    "duration_hours",
    "inference_version",
    "min_replicas",
    "max_replicas",
    "num_replicas",
    "status",
)
CONFIGURATION = (
    "machine_type",
    "creator_email",
    "subdomain",
    "domain",
    "duration_hours",
    "inference_version",
    "min_replicas",
    "max_replicas",
)
CLOCK_ERROR = timedelta(seconds=5)  # between hosts, whose clocks are corrected, and of a clock that drifts
# Statuses that a deployment reaches without anyone asking: nobody changed it from outside.
SPONTANEOUS_STATUSES = {"pending", "ready", "failed", "expired"}


class KnownRow(Protocol):
    """The columns of a stored deployment that a comparison reads."""

    deployment_id: str
    deployment_name: str
    status: str
    status_since: datetime
    digest: str
    missing_since: datetime | None
    gone_at: datetime | None
    is_listed: bool
    reported_at: datetime


class AskedChange(Protocol):
    """The columns of an operation that a comparison reads: it can explain why a deployment changed."""

    kind: str
    target_id: str  # empty while Roboflow has not named the deployment of a create
    target_name: str
    actor_name: str
    requested_at: datetime
    sent_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True)
class StatusStep:
    """A status that changed."""

    deployment_id: str
    before: str
    after: str
    kind: str  # the kind of change that has this effect, "change" for another, "" for a spontaneous status
    by: str  # who asked for it here; empty when nobody did


@dataclass
class Comparison:
    """What a list changes: reports to store, ids of rows to mark, and what came from outside the portal."""

    new: list[DeploymentReport] = field(default_factory=list)
    changed: list[DeploymentReport] = field(default_factory=list)
    returned: list[str] = field(
        default_factory=list
    )  # reported unchanged, but were missing, gone or unlisted
    missing: list[str] = field(default_factory=list)
    disputed: list[str] = field(default_factory=list)  # only `/get` can tell what is true
    steps: list[StatusStep] = field(default_factory=list)
    outside_new: list[DeploymentReport] = field(default_factory=list)
    outside_changes: dict[str, dict[str, tuple[Any, Any]]] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Whether nothing changed that a page could show."""
        return not (self.new or self.changed or self.returned or self.missing)

    def drop_rows(self, ids: set[str]) -> None:
        """Remove all changes of the deployments `ids`."""
        self.new = [report for report in self.new if report.deployment_id not in ids]
        self.outside_new = [report for report in self.outside_new if report.deployment_id not in ids]
        self.changed = [report for report in self.changed if report.deployment_id not in ids]
        self.steps = [step for step in self.steps if step.deployment_id not in ids]
        self.returned = [row_id for row_id in self.returned if row_id not in ids]
        self.missing = [row_id for row_id in self.missing if row_id not in ids]
        self.disputed = [row_id for row_id in self.disputed if row_id not in ids]
        self.outside_changes = {
            row_id: changes for row_id, changes in self.outside_changes.items() if row_id not in ids
        }


def digest_of_report(report: DeploymentReport) -> str:
    """Return the hash of a raw object. A row whose digest is the same needs no writing."""
    return hashlib.sha256(json.dumps(report.raw, sort_keys=True, default=str).encode()).hexdigest()


def compare_list(
    stored: Mapping[str, KnownRow],
    reports: Iterable[DeploymentReport],
    *,
    operations: Sequence[AskedChange],
    started: datetime,
    now: datetime,
    is_first: bool,
    lag: timedelta = timedelta(0),
    decided: Collection[str] = (),
    digest: Callable[[DeploymentReport], str] = digest_of_report,
) -> Comparison:
    """Compare the rows of a workspace, by deployment_id, with a list that was requested at `started`.

    - Rows that were written after `started` are skipped: the list may be older than they are. They were read
      from the database before `now`.
    - `operations` (newest first) explain changes; a change without one came from outside the portal. In the
      first sync of a workspace (`is_first`) nothing new came from outside: it existed before us.
    - A list may be older than the answers of `/get` and `/add` by up to `lag`, and `/get` older than a list.
      A list that takes back what an operation brought about within `lag` changes nothing: the deployment is
      *disputed*, and `/get` decides. Its answers come as reports of the ids in `decided`.
    """
    found, listed = Comparison(), set()
    for report in reports:
        listed.add(report.deployment_id)
        row = stored.get(report.deployment_id)
        if row is None:
            found.new.append(report)
            if not is_first and not explains_new_deployment(operations, report):
                found.outside_new.append(report)
            continue
        if is_newer_than_list(row.reported_at, started, now=now):
            continue
        if report.deployment_id not in decided and is_disputed(
            row, report.status, operations, started=started, lag=lag
        ):
            found.disputed.append(report.deployment_id)
        elif row.digest != digest(report):
            found.changed.append(report)
            add_change(found, row, report, operations)
        elif row.missing_since or not row.is_listed or (row.gone_at and row.status != DELETED):
            found.returned.append(report.deployment_id)
    found.missing = [
        row_id
        for row_id, row in stored.items()
        if row_id not in listed
        and not row.gone_at
        and not is_newer_than_list(row.reported_at, started, now=now)
        and not was_just_created(row, operations, started=started, lag=lag)
    ]
    return found


def is_blank(value: Any) -> bool:
    """Return whether a value of an answer says nothing: absent, null, empty, or of an unreadable type."""
    return value in ("", None)


def lacking_fields(row: KnownRow, report: DeploymentReport) -> list[str]:
    """Return the fields whose value we know, and which a report of the same deployment lacks."""
    return [name for name in FACTS if is_blank(getattr(report, name)) and not is_blank(getattr(row, name))]


def changed_ids(stored: Mapping[str, KnownRow], digests: Mapping[str, str]) -> set[str]:
    """Return the ids that a list shows for the first time, shows otherwise than they are stored, or lacks.

    `digests` are those of the list's reports, by deployment_id.
    """
    shown = {
        row_id
        for row_id, digest in digests.items()
        if row_id not in stored or stored[row_id].digest != digest
    }
    return shown | {row_id for row_id, row in stored.items() if row_id not in digests and not row.gone_at}


def is_newer_than_list(reported_at: datetime, started: datetime, *, now: datetime) -> bool:
    """Return whether a row was written after a list was requested at `started`.

    A time later than `now` was written before the clock was set back, and counts as old: otherwise no list
    could change the row until the clock is there again.
    """
    return started < reported_at <= now + CLOCK_ERROR


def is_disputed(
    row: KnownRow, status: str, operations: Sequence[AskedChange], *, started: datetime, lag: timedelta
) -> bool:
    """Return whether a list takes back what our newest operation on a deployment has just brought about.

    The list may be late, or somebody changed it right after us: only `/get` can tell.
    """
    if status in (row.status, ""):
        return False
    recent = [
        operation
        for operation in operations
        if operation.target_id == row.deployment_id
        and operation.sent_at is not None
        and (operation.ended_at is None or ended_within_lag(operation, started=started, lag=lag))
    ]
    last = max(recent, key=lambda operation: operation.requested_at, default=None)
    return last is not None and is_done(last.kind, row.status) and not is_done(last.kind, status)


def was_just_created(
    row: KnownRow, operations: Sequence[AskedChange], *, started: datetime, lag: timedelta
) -> bool:
    """Return whether we created the deployment so recently that list and `/get` may not know it yet."""
    creates = (
        operation
        for operation in operations
        if Kind(operation.kind).facts.makes_new and operation.target_id == row.deployment_id
    )
    return any(
        operation.ended_at is None or ended_within_lag(operation, started=started, lag=lag)
        for operation in creates
    )


def ended_within_lag(operation: AskedChange, *, started: datetime, lag: timedelta) -> bool:
    """Return whether an operation ended less than `lag` before a list was requested at `started`."""
    return operation.ended_at is not None and timedelta(0) <= started - operation.ended_at < lag


def add_change(
    found: Comparison, row: KnownRow, report: DeploymentReport, operations: Sequence[AskedChange]
) -> None:
    """Add the status step and the changed configuration of one row to `found`."""
    if report.status not in (row.status, ""):
        found.steps.append(status_step(row, report.status, operations))
    changes = {
        name: (getattr(row, name), getattr(report, name))
        for name in CONFIGURATION
        # A deployment that starts gets its address and version late: filling a blank is no outside change.
        # And an answer that lacks a value takes back none.
        if getattr(row, name) != getattr(report, name)
        and not is_blank(getattr(row, name))
        and not is_blank(getattr(report, name))
    }
    is_starting = row.status == "pending" and report.status in ("pending", "ready")
    if changes and not is_starting:
        found.outside_changes[report.deployment_id] = changes


def status_step(row: KnownRow, after: str, operations: Sequence[AskedChange]) -> StatusStep:
    """Return the step of `row` to the status `after`, with the person who asked for it here."""
    kind = kind_of_step(row.status, after)
    operation = explaining_operation(operations, row, kind) if kind else None
    return StatusStep(
        deployment_id=row.deployment_id,
        before=row.status,
        after=after,
        kind=kind or ("" if after in SPONTANEOUS_STATUSES else "change"),
        by=operation.actor_name if operation else "",
    )


def explaining_operation(operations: Sequence[AskedChange], row: KnownRow, kind: str) -> AskedChange | None:
    """Return the operation that explains a step of `kind`, or None.

    It was sent, and is open or ended after the old status was first seen. So an effect that shows late is
    explained, but not a second pause from outside after a resume.
    """
    for operation in operations:
        is_about_row = operation.kind == kind and operation.target_id == row.deployment_id
        was_open = operation.ended_at is None or operation.ended_at >= row.status_since
        if is_about_row and was_open and operation.sent_at is not None:
            return operation
    return None


def explains_new_deployment(operations: Sequence[AskedChange], report: DeploymentReport) -> bool:
    """Return whether a create of ours explains a deployment that is reported for the first time."""
    return any(
        Kind(operation.kind).facts.makes_new
        and operation.target_name == report.deployment_name
        and operation.sent_at is not None
        and operation.target_id in ("", report.deployment_id)
        for operation in operations
    )
