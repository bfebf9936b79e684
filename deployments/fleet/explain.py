"""Which operation of ours explains what changed at Roboflow. Pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

from deployments.fleet.facts import KnownRow
from deployments.ledger.kinds import Kind, is_done
from deployments.roboflow.schema import DeploymentReport


class AskedChange(Protocol):
    """The columns of an operation that a comparison reads: it can explain why a deployment changed."""

    kind: str
    target_id: str  # empty while Roboflow has not named the deployment of a create
    target_name: str
    actor_name: str
    requested_at: datetime
    sent_at: datetime | None
    ended_at: datetime | None


def explaining_operation(
    operations: Sequence[AskedChange], row: KnownRow, kind: str, *, started: datetime
) -> AskedChange | None:
    """Return the operation that explains a step of `kind` in a list that was requested at `started`, or None.

    It was sent, and is open or ended after the old status was first seen. So an effect that shows late is
    explained, but not a second pause from outside after a resume. A status that was seen later than `started`
    was seen before the clock was set back. Nobody knows whether that was before the operation, which explains
    the step then: the portal accuses nobody of what it may have done itself.
    """
    for operation in operations:
        is_about_row = operation.kind == kind and operation.target_id == row.deployment_id
        # If the clock was set back meanwhile, it ended before it was requested.
        ended_at = operation.ended_at and max(operation.ended_at, operation.requested_at)
        was_open = ended_at is None or ended_at >= row.status_since or row.status_since > started
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
        operation.ended_at is None or is_within_lag(operation.ended_at, started=started, lag=lag)
        for operation in creates
    )


def is_within_lag(time: datetime, *, started: datetime, lag: timedelta) -> bool:
    """Return whether something happened less than `lag` before a list was requested at `started`."""
    return timedelta(0) <= started - time < lag


def takes_back_operation(
    row: KnownRow, status: str, operations: Sequence[AskedChange], *, started: datetime, lag: timedelta
) -> bool:
    """Return whether `status` takes back what our newest operation on a deployment has just brought about."""
    if status == row.status:
        return False
    recent = [
        operation
        for operation in operations
        if operation.target_id == row.deployment_id
        and operation.sent_at is not None
        and (operation.ended_at is None or is_within_lag(operation.ended_at, started=started, lag=lag))
    ]
    last = max(recent, key=lambda operation: operation.requested_at, default=None)
    return last is not None and is_done(last.kind, row.status) and not is_done(last.kind, status)
