"""The only place where an operation changes its state: compare-and-set, with its wish, its attempt and its event in one transaction."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet

from deployments.fleet.models import Asked, Deployment
from deployments.fleet.store import store_report
from deployments.operations.models import Attempt, Operation
from deployments.operations.states import ENDED_STATES, Kind, State, is_allowed
from deployments.roboflow.schema import DeploymentReport
from deployments.workspaces.models import Workspace, bump_revision
from portal.audit.actions import Action
from portal.audit.append import Subject, append_event
from portal.audit.origin import SYSTEM, Origin

log = structlog.get_logger(__name__)


@transaction.atomic(durable=True)
def claim_operation(operation_id: UUID, *, now: datetime, again: int | None = None) -> Operation | None:
    """Take a queued operation for one lease; None when somebody else has it.

    An unknown one is taken only by whoever looked at Roboflow and found that it may be sent again: `again` is the fence that it had then.
    The update is the claim: of two workers only one finds the state that it read.
    """
    operation = load_operation(operation_id)
    if operation is None or not is_allowed(operation.kind, operation.state, State.SENDING):
        return None
    if operation.state != State.QUEUED and operation.fence != again:
        return None  # a copy of an old message
    lease = now + timedelta(seconds=settings.OPERATION_LEASE_SECONDS)
    taken = Operation.objects.filter(pk=operation.pk, state=operation.state, fence=operation.fence)
    if not taken.update(
        state=State.SENDING, lease_until=lease, fence=F("fence") + 1, claimed_at=operation.claimed_at or now
    ):
        return None
    bump_revision(operation.workspace_id)
    return load_operation(operation_id)


def load_operation(operation_id: UUID) -> Operation | None:
    """Return an operation with what its work needs."""
    rows = Operation.objects.select_related(
        "workspace", "deployment", "actor", "key", "key__user", "key__workspace"
    )
    operation = rows.filter(pk=operation_id).first()
    if (
        operation and operation.kind == Kind.CREATE and not operation.target_id
    ):  # what stood before it was asked for is not what it makes
        operation.known_ids = sorted({*operation.known_ids, *ids_seen_before(operation)})
    return operation


def ids_seen_before(operation: Operation) -> QuerySet[Deployment, str]:
    """Return the ids that were seen under this name before the operation was asked for."""
    rows = Deployment.objects.filter(
        workspace=operation.workspace,
        deployment_name=operation.target_name,
        first_seen_at__lt=operation.requested_at,
    )
    return rows.values_list("deployment_id", flat=True)


@transaction.atomic(durable=True)
def mark_sent(operation: Operation, *, known_ids: list[str], now: datetime) -> bool:
    """Write, just before the call, that it may reach Roboflow from now on. False when the claim is not ours any more."""
    mine = Operation.objects.filter(
        pk=operation.pk, state=State.SENDING, fence=operation.fence, lease_until__gt=now
    )
    if not mine.update(sent_at=now, known_ids=known_ids):
        return False
    Asked.objects.filter(operation_id=operation.pk).update(sent_at=now)
    operation.sent_at, operation.known_ids = now, known_ids
    return True


@transaction.atomic(durable=True)
def transition(
    operation: Operation,
    to: State,
    *,
    now: datetime,
    message: str,
    words: str = "",
    attempt: Attempt | None = None,
    deployment: Deployment | None = None,
    by: Origin | None = None,
    unless_sent: bool = False,
    **fields: Any,
) -> bool:
    """Step from the state that `operation` was read with; False, and nothing written, when it moved on meanwhile, or (`unless_sent`) was sent.

    Writes the wish, the attempt, and for *unknown* and the ends the event, in the same transaction.
    """
    if not is_allowed(operation.kind, operation.state, to):
        return False
    fields |= {"message": message, "upstream_text": words or operation.upstream_text, "lease_until": None}
    if to == State.UNKNOWN:
        fields["was_unknown"] = True
    if to in ENDED_STATES:
        fields |= {"ended_at": now, "next_look_at": None}
    if deployment:
        fields |= {"deployment": deployment, "target_id": deployment.deployment_id}
    standing = Operation.objects.filter(pk=operation.pk, state=operation.state, fence=operation.fence)
    if not (standing.filter(sent_at=None) if unless_sent else standing).update(state=to, **fields):
        return False
    if attempt:
        attempt.operation = operation
        attempt.save()
    write_asked(operation, to, deployment, now=now)
    first_unknown = to == State.UNKNOWN and not operation.was_unknown
    for name, value in {"state": to, **fields}.items():
        setattr(operation, name, value)
    if to in ENDED_STATES or first_unknown:
        append_operation_event(operation, to, by=by or operation.origin, now=now, message=message)
    Workspace.objects.filter(pk=operation.workspace_id).update(revision=F("revision") + 1, sync_due_at=now)
    transaction.on_commit(lambda: log_state(operation))
    return True


def log_state(operation: Operation) -> None:
    """Write the operation's state into the log, with the ids that the trail has."""
    log.info(
        "operation",
        operation_id=str(operation.pk),
        state=str(operation.state),
        kind=operation.kind,
        name=operation.target_name,
        request_id=operation.request_id,
        message=operation.message,
    )


def write_asked(operation: Operation, to: State, deployment: Deployment | None, *, now: datetime) -> None:
    """Keep what the fleet shows of this wish in step."""
    asked = Asked.objects.filter(operation_id=operation.pk)
    if deployment:
        asked.update(deployment=deployment)
    if to == State.UNKNOWN:
        asked.update(outcome="unknown")
    elif to in ENDED_STATES:
        asked.update(outcome=str(to), ended_at=now)
    else:
        asked.update(outcome="")


def store_answer(
    operation: Operation, report: DeploymentReport | None, *, now: datetime
) -> Deployment | None:
    """Let the fleet learn what an answer tells; an operation comes to its end even if the fleet cannot hold that."""
    if report is None:
        return None
    try:
        with transaction.atomic():
            return store_report(
                operation.workspace, report, kind=operation.kind, by=operation.actor_name, now=now
            )
    except Exception:
        log.exception("answer_not_kept", operation_id=str(operation.pk))
        return None


def append_operation_event(
    operation: Operation, word: str, *, by: Origin, now: datetime, message: str = "", reason: str = ""
) -> None:
    """Append the event of an operation whose last word is `word`."""
    changes = {"message": (None, message)} if message else None
    append_event(
        Action.of(operation.kind, word),
        by=by,
        at=now,
        about=operation_subject(operation),
        workspace=operation.workspace,
        reason=reason or operation.reason,
        changes=changes,
        operation_id=str(operation.pk),
    )


def operation_subject(operation: Operation) -> Subject:
    """Return how the trail names what an operation is about."""
    return Subject(
        type="deployment",
        id=operation.target_id,
        name=operation.target_name,
        deployment_id=operation.target_id,
    )


@transaction.atomic(durable=True)
def store_attempt(operation: Operation, attempt: Attempt) -> None:
    """Keep an answer that changed no state."""
    attempt.operation = operation
    attempt.save()


def schedule_look(operation: Operation, *, seconds: float, now: datetime) -> None:
    """Write when to look again."""
    Operation.objects.filter(pk=operation.pk, state=operation.state).update(
        next_look_at=now + timedelta(seconds=seconds)
    )


def cancel_operation(operation: Operation, *, by: Origin, now: datetime) -> bool:
    """Cancel what is not sent yet; False when it is too late."""
    return transition(
        operation,
        State.CANCELLED,
        now=now,
        message=f"Cancelled by {by.actor_name} before it was sent.",
        by=by,
    )


def mark_lost(operation: Operation, *, now: datetime) -> bool:
    """The worker that had claimed it is gone: whether the call went out is not known, unless it had not come that far."""
    if operation.sent_at is None and operation.kind == Kind.CREATE:
        words = "The worker was lost before it was sent. Nothing was sent."
        return transition(
            operation, State.FAILED, now=now, message=words, by=SYSTEM, unless_sent=True
        )  # sent since we read it: the next sweep sees that
    return transition(
        operation,
        State.UNKNOWN,
        now=now,
        message="The worker was lost in the middle of the call: the outcome is not known.",
        by=SYSTEM,
        next_look_at=now,
    )


def mark_restored(operation: Operation, *, now: datetime) -> bool:
    """It comes from a back-up and was open then: what became of it since is not known, so Roboflow is asked before anything is sent again."""
    if operation.state == State.ACCEPTED:
        return False  # it is only looked at anyway
    message = "Restored from a back-up: what became of it since is not known."
    return transition(operation, State.UNKNOWN, now=now, message=message, by=SYSTEM, next_look_at=now)
