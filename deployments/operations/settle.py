"""End accepted operations from the fleet's list: it is read anyway, so that no further call is needed."""

from datetime import datetime

from django.db.models import F

from deployments.fleet.models import Deployment
from deployments.ledger.kinds import DELETED, is_done
from deployments.ledger.models import Operation
from deployments.ledger.states import State
from deployments.ledger.transitions import Outcome, transition
from deployments.operations.target import ids_seen_before, rows_under_name


def settle_workspace(workspace_id: int, *, now: datetime) -> int:
    """End the accepted operations that a list shows as done, if it was requested after they were accepted.

    Return how many. Two queries tell of all that name a deployment: five hundred may wait, list after list.
    """
    accepted = Operation.objects.filter(
        workspace=workspace_id,
        state=State.ACCEPTED,
        accepted_at__lt=F("workspace__list_requested_at"),
    )
    rows = Deployment.objects.filter(workspace=workspace_id, deployment_id__in=accepted.values("target_id"))
    row_of = {row.deployment_id: row for row in rows}
    return sum(
        settle_by_row(
            operation,
            row_of.get(operation.target_id) if operation.target_id else created_row(operation),
            now=now,
        )
        for operation in accepted.select_related("workspace")
    )


def has_newer_list(operation: Operation) -> bool:
    """Return whether a list that was requested after the operation was accepted is stored."""
    requested_at = operation.workspace.list_requested_at
    return (
        requested_at is not None
        and operation.accepted_at is not None
        and operation.accepted_at < requested_at
    )


def settle_operation(operation: Operation, *, now: datetime) -> bool:
    """Move an accepted operation to its end if the fleet shows one; return whether it moved."""
    return settle_by_row(operation, current_row(operation), now=now)


def settle_by_row(operation: Operation, row: Deployment | None, *, now: datetime) -> bool:
    """Do what settle_operation() does, with the row of the operation's deployment."""
    if row is None:
        return False
    if operation.facts.removes:
        is_gone = row.gone_at is not None or row.status == DELETED
        return is_gone and end(operation, row, State.SUCCEEDED, "It no longer exists at Roboflow.", now=now)
    if row.is_over or row.missing_since or not row.is_listed:
        return False
    if is_done(operation.kind, row.status):
        message = f"Roboflow reports it as {row.status or 'existing'}."
        return end(operation, row, State.SUCCEEDED, message, now=now)
    if operation.facts.makes_new:
        message = f"Roboflow created it, but reports it as {row.status}."
        return end(operation, row, State.NEEDS_ATTENTION, message, now=now)
    return False


def current_row(operation: Operation) -> Deployment | None:
    """Return the row of the operation's deployment; for a create without an id, the one that appeared."""
    if not operation.target_id:
        return created_row(operation)
    rows = Deployment.objects.filter(workspace=operation.workspace, deployment_id=operation.target_id)
    return rows.first()


def created_row(operation: Operation) -> Deployment | None:
    """Return the newest row under the operation's name that it may have made, or None."""
    others = [*operation.known_ids, *ids_seen_before(operation)]
    rows = rows_under_name(operation).exclude(deployment_id__in=others)
    return rows.order_by("-first_seen_at").first()


def end(operation: Operation, row: Deployment, state: State, message: str, *, now: datetime) -> bool:
    """Move the operation, whose deployment is `row`, to `state`; return whether it moved."""
    outcome = Outcome(message=message, target_id=row.deployment_id)
    return transition(operation, state, outcome=outcome, now=now)
