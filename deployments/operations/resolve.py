"""What is learnt after *needs attention*: it never changes the state, it resolves it with one event more."""

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from deployments.fleet.models import DELETED, Asked, Deployment
from deployments.keys.masking import known_fingerprints, mask_known_keys
from deployments.operations.claim import append_operation_event, ids_seen_before, load_operation
from deployments.operations.models import Operation
from deployments.operations.reconcile import describe_observation, fetch_observation, proven_verdict
from deployments.operations.states import Kind, State, agrees
from deployments.workspaces.models import bump_revision
from portal.accounts.models import User
from portal.audit.origin import SYSTEM, Origin

RESOLVES_FOR = timedelta(days=7)  # afterwards a person decides


@transaction.atomic(durable=True)
def resolve_operation(operation: Operation, *, how: str, by: Origin, now: datetime, reason: str = "") -> bool:
    """Write once how a *needs attention* was cleared up; False when it was already, or is none."""
    waiting = Operation.objects.filter(pk=operation.pk, state=State.NEEDS_ATTENTION, resolved_at=None)
    if not waiting.update(resolved_at=now, resolution=how):
        return False
    Asked.objects.filter(operation_id=operation.pk).update(resolved_at=now)
    append_operation_event(operation, "resolved", by=by, now=now, message=how, reason=reason)
    bump_revision(operation.workspace_id)
    return True


def mark_resolved_by_hand(operation: Operation, *, reason: str, by: Origin, now: datetime) -> bool:
    """A person says how it ended."""
    reason = mask_known_keys(reason, known_fingerprints())
    return resolve_operation(
        operation, how=f"Marked as done by {by.actor_name}: {reason}", by=by, now=now, reason=reason
    )


def check_operation(operation: Operation, *, by: Origin, now: datetime) -> str:
    """Look at Roboflow once more for a *needs attention*; return in a sentence what was found."""
    seen = fetch_observation(operation)
    found = proven_verdict(operation, seen)
    if found and found.to == State.SUCCEEDED:
        resolve_operation(operation, how=f"Checked again: {found.message}", by=by, now=now)
        return found.message
    words = found.message if found else describe_observation(operation, seen)
    Operation.objects.filter(pk=operation.pk, resolved_at=None).update(
        message=f"{words} Checked again by {by.actor_name}."
    )
    bump_revision(operation.workspace_id)
    return words


def check_operation_for(operation_id: UUID, *, user_id: int, now: datetime) -> None:
    """Look once more for a person who asked for it."""
    operation = load_operation(operation_id)
    person = User.objects.filter(pk=user_id).first()
    if operation and person and operation.state == State.NEEDS_ATTENTION:
        check_operation(operation, by=Origin(actor_id=person.pk, actor_name=str(person)), now=now)


def resolve_from_fleet(*, now: datetime) -> int:
    """Resolve what a later sync has shown; return how many."""
    waiting = Operation.objects.filter(
        state=State.NEEDS_ATTENTION, resolved_at=None, ended_at__gt=now - RESOLVES_FOR
    )
    return sum(
        resolve_operation(
            operation,
            how=f"A later sync showed it: Roboflow reports it as {row.status or 'there'}.",
            by=SYSTEM,
            now=now,
        )
        for operation in waiting.select_related("workspace", "deployment")[:200]
        if (row := row_showing_outcome(operation)) is not None
    )


def row_showing_outcome(operation: Operation) -> Deployment | None:
    """Return the row of the cache that shows that the operation was done, if one does."""
    rows = Deployment.objects.filter(workspace=operation.workspace, deployment_name=operation.target_name)
    since = operation.claimed_at or operation.requested_at
    if operation.kind == Kind.DELETE:
        gone = Q(gone_at__gte=since) | Q(reported_at__gte=since, status=DELETED)
        return rows.filter(gone, deployment_id=operation.target_id).first()
    if operation.target_id:
        rows = rows.filter(deployment_id=operation.target_id)
    elif operation.sent_at is None:
        return None
    else:
        rows = rows.exclude(deployment_id__in=[*operation.known_ids, *ids_seen_before(operation)])
    row = rows.filter(missing_since=None, reported_at__gte=since).order_by("-first_seen_at").first()
    return row if row and agrees(operation.kind, row.status) and not row.is_over else None
