"""Compares stored rows with a list that Roboflow sent: what is new, changed, missing, and not explained by us. Pure."""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from deployments.ledger.kinds import Kind, kind_of_step
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
LONGEST_SYNC = timedelta(minutes=3)
BY_ITSELF = {
    "pending",
    "ready",
    "failed",
    "expired",
}  # statuses that a deployment reaches without anybody's wish


class KnownRow(Protocol):
    """The columns of a stored deployment that a comparison reads."""

    deployment_id: str
    deployment_name: str
    status: str
    status_since: datetime
    digest: str
    missing_since: datetime | None
    gone_at: datetime | None
    reported_at: datetime


class AskedChange(Protocol):
    """The columns of an operation that a comparison reads: it explains changes that otherwise come from outside."""

    kind: str
    target_id: str  # empty while a create is in flight
    target_name: str
    actor_name: str
    requested_at: datetime
    sent_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True)
class StatusStep:
    """A status that changed. `by` is the person who asked for it here; empty when nobody did."""

    deployment_id: str
    before: str
    after: str
    kind: str  # the kind of change that it amounts to, "change" for any other; "" for what a deployment does by itself
    by: str


@dataclass
class Comparison:
    """What a list changes."""

    new: list[DeploymentReport] = field(default_factory=list)
    changed: list[DeploymentReport] = field(default_factory=list)
    back: list[str] = field(default_factory=list)  # reported unchanged, but they were missing or gone
    missing: list[str] = field(default_factory=list)
    steps: list[StatusStep] = field(default_factory=list)
    outside_new: list[DeploymentReport] = field(default_factory=list)
    outside_changes: dict[str, dict[str, tuple[Any, Any]]] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Nothing changed that a page could show."""
        return not (self.new or self.changed or self.back or self.missing)

    def drop(self, ids: set[str]) -> None:
        """Remove the changes of these deployments: an operation wrote their rows after the list was requested."""
        self.new = [one for one in self.new if one.deployment_id not in ids]
        self.outside_new = [one for one in self.outside_new if one.deployment_id not in ids]
        self.changed = [one for one in self.changed if one.deployment_id not in ids]
        self.steps = [one for one in self.steps if one.deployment_id not in ids]
        self.back = [one for one in self.back if one not in ids]
        self.missing = [one for one in self.missing if one not in ids]
        self.outside_changes = {key: one for key, one in self.outside_changes.items() if key not in ids}


def digest_of_report(report: DeploymentReport) -> str:
    """Return the hash of a raw object, by which unchanged deployments are recognised and not written."""
    return hashlib.sha256(json.dumps(report.raw, sort_keys=True, default=str).encode()).hexdigest()


def compare_list(
    stored: Mapping[str, KnownRow],
    reports: Iterable[DeploymentReport],
    *,
    asked: Sequence[AskedChange],
    started: datetime,
    is_first: bool,
    lag: timedelta = timedelta(0),
    digest: Callable[[DeploymentReport], str] = digest_of_report,
) -> Comparison:
    """Compare rows (by deployment_id) with a list that was requested at `started`. Rows written since then are skipped.

    In the first sync of a workspace nothing comes "from outside": all of it was there before us. A list may be up to
    `lag` older than what `/get` and `/add` said: for that time it takes back nothing that an operation just did.
    """
    found, seen = Comparison(), set()
    for report in reports:
        row = stored.get(report.deployment_id)
        seen.add(report.deployment_id)
        if row is None:
            found.new.append(report)
            if not is_first and not explains_new_deployment(asked, report):
                found.outside_new.append(report)
        elif is_newer_than_list(row.reported_at, started) or list_lags_behind(
            row, report.status, asked, started=started, lag=lag
        ):
            continue
        elif row.digest != digest(report):
            found.changed.append(report)
            add_change(found, row, report, asked)
        elif row.missing_since or row.gone_at:
            found.back.append(report.deployment_id)
    found.missing = [
        key
        for key, row in stored.items()
        if key not in seen
        and not row.gone_at
        and not is_newer_than_list(row.reported_at, started)
        and not was_just_created(row, asked, started=started, lag=lag)
    ]
    return found


def is_newer_than_list(reported_at: datetime, started: datetime) -> bool:
    """Return whether a row was written after a list was requested.

    A time that is further ahead than a sync can take was written before the clock was set back.
    """
    return started < reported_at < started + LONGEST_SYNC


def list_lags_behind(
    row: KnownRow, status: str, asked: Sequence[AskedChange], *, started: datetime, lag: timedelta
) -> bool:
    """Return whether a list still shows the status that an operation of ours has just changed."""
    ended = [
        one
        for one in asked
        if one.target_id == row.deployment_id and ended_within_lag(one, started=started, lag=lag)
    ]
    last = max(ended, key=lambda one: one.requested_at, default=None)
    if last is None or status == row.status:
        return False
    return kind_of_step(status, row.status) == last.kind


def was_just_created(
    row: KnownRow, asked: Sequence[AskedChange], *, started: datetime, lag: timedelta
) -> bool:
    """Return whether a create of ours made this deployment so recently that a list need not have it yet."""
    creates = (one for one in asked if Kind(one.kind).facts.makes_new and one.target_id == row.deployment_id)
    return any(one.ended_at is None or ended_within_lag(one, started=started, lag=lag) for one in creates)


def ended_within_lag(operation: AskedChange, *, started: datetime, lag: timedelta) -> bool:
    """Return whether an operation ended so shortly before a list was requested that the list may not show it yet."""
    return operation.ended_at is not None and timedelta(0) <= started - operation.ended_at < lag


def add_change(
    found: Comparison, row: KnownRow, report: DeploymentReport, asked: Sequence[AskedChange]
) -> None:
    """Add the status step and the changed configuration of one row to `found`."""
    if row.status != report.status:
        found.steps.append(status_step(row, report.status, asked))
    changes = {
        name: (getattr(row, name), getattr(report, name))
        for name in CONFIGURATION
        # A deployment that starts gets its address and version late: filling a blank is no change from outside.
        if getattr(row, name) != getattr(report, name) and getattr(row, name) not in ("", None)
    }
    if changes and not (row.status == "pending" and report.status in ("pending", "ready")):
        found.outside_changes[report.deployment_id] = changes


def status_step(row: KnownRow, after: str, asked: Sequence[AskedChange]) -> StatusStep:
    """Return the step of `row` to the status `after`, with the person who asked for it here."""
    kind = kind_of_step(row.status, after)
    if kind is None:
        return StatusStep(row.deployment_id, row.status, after, "" if after in BY_ITSELF else "change", "")
    operation = explaining_operation(asked, row, kind)
    return StatusStep(row.deployment_id, row.status, after, kind, operation.actor_name if operation else "")


def explaining_operation(asked: Sequence[AskedChange], row: KnownRow, kind: str) -> AskedChange | None:
    """Return the operation that explains a step of `kind`: sent, and open or ended after the old status was first seen.

    So a late effect is explained, and a second pause from outside, after a resume, is not.
    """
    for one in asked:
        fits = one.kind == kind and one.target_id == row.deployment_id and one.sent_at is not None
        if fits and (one.ended_at is None or one.ended_at >= row.status_since):
            return one
    return None


def explains_new_deployment(asked: Sequence[AskedChange], report: DeploymentReport) -> bool:
    """Return whether a create of ours explains a deployment that we see for the first time."""
    return any(
        Kind(one.kind).facts.makes_new
        and one.target_name == report.deployment_name
        and one.sent_at is not None
        and one.target_id in ("", report.deployment_id)
        for one in asked
    )
