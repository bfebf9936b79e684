"""Resolve an operation that ended as *needs attention*: store the outcome that was learnt later.

The state does not change. `resolved_at` and `resolution` are filled in, and one more audit entry is appended.
"""

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from deployments.fleet.models import Deployment
from deployments.ledger.kinds import DELETED, is_done
from deployments.ledger.models import Operation
from deployments.ledger.states import State
from deployments.ledger.transitions import append_operation_event, load_operation
from deployments.operations.reconcile import describe_observation, fetch_observation, proven_verdict
from deployments.operations.target import add_known_ids, ids_seen_before, rows_under_name
from deployments.workspaces.revision import bump_revision
from portal.audit.origin import SYSTEM, Origin
from portal.web.masking import Masker

RESOLVES_FOR = timedelta(days=7)  # after this only a person can resolve it


@transaction.atomic(durable=True)
def resolve_operation(operation: Operation, *, how: str, by: Origin, now: datetime, reason: str = "") -> bool:
    """Store `how` an operation that needs attention was resolved. Return False if nothing was to resolve."""
    waiting = Operation.objects.filter(pk=operation.pk, state=State.NEEDS_ATTENTION, resolved_at=None)
    if not waiting.update(resolved_at=now, resolution=how):
        return False
    bump_revision(operation.workspace_id, Operation.objects.filter(pk=operation.pk))
    append_operation_event(operation, "resolved", by=by, now=now, message=how, reason=reason)
    return True


def mark_resolved_by_hand(operation: Operation, *, reason: str, by: Origin, now: datetime) -> bool:
    """Resolve an operation with what a person found out. Return False when there was nothing to resolve."""
    reason = Masker().mask(reason)
    how = f"Marked as done by {by.actor_name}: {reason}"
    return resolve_operation(operation, how=how, by=by, now=now, reason=reason)


def check_operation(operation: Operation, *, by: Origin, now: datetime) -> str:
    """Ask Roboflow about an operation that needs attention; resolve it if it was done. Return the finding."""
    add_known_ids(operation)
    observation = fetch_observation(operation)
    verdict = proven_verdict(operation, observation)
    if verdict and verdict.to == State.SUCCEEDED:
        resolve_operation(operation, how=f"Checked again: {verdict.message}", by=by, now=now)
        return verdict.message
    found = verdict.message if verdict else describe_observation(operation, observation)
    unresolved = Operation.objects.filter(pk=operation.pk, resolved_at=None)
    unresolved.update(message=f"{found} Checked again by {by.actor_name}.")
    bump_revision(operation.workspace_id, Operation.objects.filter(pk=operation.pk))
    return found


def request_check(operation: Operation, *, user_id: int | None, now: datetime) -> bool:
    """Record that a person wants Roboflow to be asked again; return False when nothing needs attention.

    It is stored first, so that the sweep finds it when the broker is away.
    """
    waiting = Operation.objects.filter(pk=operation.pk, state=State.NEEDS_ATTENTION, resolved_at=None)
    return bool(waiting.update(check_requested_at=now, check_requested_by=user_id))


def perform_check(operation_id: UUID, *, now: datetime) -> None:
    """Check an operation for the person who asked for it, unless that was done meanwhile."""
    operation = load_operation(operation_id)
    if operation is None or operation.check_requested_at is None:
        return
    person, requested_at = operation.check_requested_by, operation.check_requested_at
    if operation.state == State.NEEDS_ATTENTION and operation.resolved_at is None and person is not None:
        by = Origin(actor_id=person.pk, actor_name=str(person))
        check_operation(operation, by=by, now=now)
    done = Operation.objects.filter(pk=operation_id, check_requested_at=requested_at)
    done.update(check_requested_at=None, check_requested_by=None)


def resolve_from_fleet(*, now: datetime) -> int:
    """Resolve operations whose outcome a later sync stored in the fleet; return how many."""
    changed_since = Deployment.objects.filter(
        Q(reported_at__gte=OuterRef("requested_at")) | Q(gone_at__gte=OuterRef("requested_at")),
        workspace=OuterRef("workspace"),
        deployment_name=OuterRef("target_name"),
    )
    waiting = Operation.objects.filter(
        Exists(changed_since),  # so that hopeless ones cost nothing, however many there are
        state=State.NEEDS_ATTENTION,
        resolved_at=None,
        ended_at__gt=now - RESOLVES_FOR,
    )
    count = 0
    for operation in waiting.select_related("workspace").order_by("ended_at").iterator():
        if row := row_showing_outcome(operation):
            shown = f"reports it as {row.status or 'existing'}" if row.gone_at is None else "no longer has it"
            how = f"A later sync showed it: Roboflow {shown}."
            count += resolve_operation(operation, how=how, by=SYSTEM, now=now)
    return count


def row_showing_outcome(operation: Operation) -> Deployment | None:
    """Return the fleet's row that proves that the operation was done, or None."""
    rows = rows_under_name(operation)
    since = operation.claimed_at or operation.requested_at
    if operation.facts.removes:
        is_gone = Q(gone_at__gte=since) | Q(reported_at__gte=since, status=DELETED)
        return rows.filter(is_gone, deployment_id=operation.target_id).first()
    if operation.target_id:
        rows = rows.filter(deployment_id=operation.target_id)
    elif operation.sent_at is None:
        return None
    else:
        rows = rows.exclude(deployment_id__in=[*operation.known_ids, *ids_seen_before(operation)])
    row = rows.filter(missing_since=None, reported_at__gte=since).order_by("-first_seen_at").first()
    return row if row and is_done(operation.kind, row.status) and not row.is_over else None
