"""Compare stored rows with Roboflow's list: new, changed, missing, and what we did not ask for. Pure."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from deployments.fleet.explain import (
    AskedChange,
    explaining_operation,
    explains_new_deployment,
    is_within_lag,
    takes_back_operation,
    was_just_created,
)
from deployments.fleet.facts import (
    CONFIGURATION,
    KnownRow,
    digest_of_report,
    is_blank,
    outside_configuration,
)
from deployments.ledger.kinds import (
    DELETED,
    ENDED_STATUSES,
    EXPIRED,
    FAILED,
    PENDING,
    READY,
    kind_of_step,
)
from deployments.roboflow.schema import DeploymentReport

CLOCK_ERROR = timedelta(seconds=5)  # between hosts, whose clocks are corrected, and of a clock that drifts
# Statuses that a deployment reaches without anyone asking: nobody changed it from outside.
SPONTANEOUS_STATUSES = {PENDING, READY, FAILED, EXPIRED}
NOTHING_LEFT: Mapping[str, Collection[str]] = {}


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
    skipped: list[str] = field(default_factory=list)  # written after the list was asked for
    looked_up: set[str] = field(default_factory=set)  # `/get` was asked about them: the list did not decide
    steps: list[StatusStep] = field(default_factory=list)
    outside_new: list[DeploymentReport] = field(default_factory=list)
    outside_changes: dict[str, dict[str, tuple[Any, Any]]] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Whether nothing changed that a page could show."""
        return not (self.new or self.changed or self.returned or self.missing)

    @property
    def touched(self) -> set[str]:
        """The deployment_ids of the rows that it writes."""
        reports = {report.deployment_id for report in (*self.new, *self.changed)}
        return {*reports, *self.returned, *self.missing}

    @property
    def asked_by(self) -> dict[str, str]:
        """Who asked here for the new status of a deployment, by deployment_id; "" for a step from outside."""
        return {step.deployment_id: step.by for step in self.steps}

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


def compare_list(
    stored: Mapping[str, KnownRow],
    reports: Iterable[DeploymentReport],
    *,
    operations: Sequence[AskedChange],
    started: datetime,
    now: datetime,
    is_first: bool,
    lag: timedelta = timedelta(0),
    left: Mapping[str, Collection[str]] = NOTHING_LEFT,
    decided: Collection[str] = (),
    digest: Callable[[DeploymentReport], str] = digest_of_report,
) -> Comparison:
    """Compare the rows of a workspace, by deployment_id, with a list that was requested at `started`.

    - Rows that were written after `started` are skipped: the list may be older than they are. They were read
      from the database before `now`.
    - `operations` (newest first) explain changes; a change without one came from outside the portal. In the
      first sync of a workspace (`is_first`) nothing new came from outside: it existed before us.
    - A list may be older by up to `lag` than the answers of `/get` and `/add`, and than the list before it.
      `/get` may be older than a list. A list that takes back what became true within `lag` changes nothing:
      the deployment is *disputed*, and `/get` decides. Its decisive answers come as reports of the ids in
      `decided`, see is_decisive(); those about deployments that the list lacks come as reports of others.
      `left` has the statuses that a deployment left within `lag`, by deployment_id.
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
            found.skipped.append(report.deployment_id)
            continue
        is_decided = report.deployment_id in decided
        statuses = left.get(report.deployment_id, ())
        if not is_decided and is_disputed(row, report, operations, statuses, started=started, lag=lag):
            found.disputed.append(report.deployment_id)
        elif row.digest != digest(report):
            found.changed.append(report)
            add_change(found, row, report, operations, started=started)
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

    A time later than `now` was written before the clock was set back, and counts as old.
    """
    return started < reported_at <= now + CLOCK_ERROR


def is_disputed(
    row: KnownRow,
    report: DeploymentReport,
    operations: Sequence[AskedChange],
    left: Collection[str],
    *,
    started: datetime,
    lag: timedelta,
) -> bool:
    """Return whether a list takes back what we have just seen or brought about. See compare_list().

    The list may be late, or somebody changed the deployment again: only `/get` can tell.
    """
    status = report.status or row.status  # an answer that lacks a status takes back none
    if row.gone_at and status not in ENDED_STATUSES and is_within_lag(row.gone_at, started=started, lag=lag):
        return True
    if takes_back_operation(row, status, operations, started=started, lag=lag):
        return True
    if status in left and status != row.status and not is_explained(row, status, operations, started=started):
        return True
    # We do not keep earlier configurations, so each change soon after another one is asked for.
    is_new = row.first_seen_at == row.reported_at
    was_changed = not is_new and is_within_lag(row.reported_at, started=started, lag=lag)
    return was_changed and bool(outside_configuration(row, report))


def is_decisive(row: KnownRow, listed: DeploymentReport | None, report: DeploymentReport) -> bool:
    """Return whether an answer of `/get` about a deployment agrees, in each fact, with its row or the list.

    One that says a third thing is older than what we know and than the list, or newer than both. It decides
    nothing: the next sync asks again.
    """
    return listed is not None and all(
        is_blank(value := getattr(report, name)) or value in (getattr(row, name), getattr(listed, name))
        for name in ("status", *CONFIGURATION)
    )


def is_explained(row: KnownRow, after: str, operations: Sequence[AskedChange], *, started: datetime) -> bool:
    """Return whether an operation of ours explains the step of `row` to the status `after`."""
    kind = kind_of_step(row.status, after)
    return bool(kind and explaining_operation(operations, row, kind, started=started))


def add_change(
    found: Comparison,
    row: KnownRow,
    report: DeploymentReport,
    operations: Sequence[AskedChange],
    *,
    started: datetime,
) -> None:
    """Add the status step and the changed configuration of one row to `found`."""
    if report.status not in (row.status, ""):
        found.steps.append(status_step(row, report.status, operations, started=started))
    if changes := outside_configuration(row, report):
        found.outside_changes[report.deployment_id] = changes


def status_step(
    row: KnownRow, after: str, operations: Sequence[AskedChange], *, started: datetime
) -> StatusStep:
    """Return the step of `row` to the status `after`, with the person who asked for it here."""
    kind = kind_of_step(row.status, after)
    operation = explaining_operation(operations, row, kind, started=started) if kind else None
    return StatusStep(
        deployment_id=row.deployment_id,
        before=row.status,
        after=after,
        kind=kind or ("" if after in SPONTANEOUS_STATUSES else "change"),
        by=operation.actor_name if operation else "",
    )
