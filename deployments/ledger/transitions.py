"""Change an operation's state: compare-and-set, with attempt and event in one transaction.

No other file writes `Operation.state`.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import F

from deployments.ledger.kinds import action_of
from deployments.ledger.models import Attempt, Operation
from deployments.ledger.states import ENDED_STATES, State, is_allowed
from deployments.workspaces.due import request_sync
from deployments.workspaces.revision import bump_revision
from portal.audit.append import Subject, append_event
from portal.audit.origin import SYSTEM, Origin

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What is learnt with a transition and written together with the new state."""

    message: str  # what we know, in one sentence
    upstream_text: str = ""  # Roboflow's text, keys masked
    attempt: Attempt | None = None  # the call that was made, not yet stored
    target_id: str = ""  # the deployment_id that a create learnt
    next_look_at: datetime | None = None
    by: Origin | None = None  # who caused the transition; None: the person who asked for the operation


@transaction.atomic(durable=True)
def claim_operation(operation_id: UUID, *, now: datetime, again: int | None = None) -> Operation | None:
    """Move a queued operation to *sending* under a lease and return it, or None when it must not be sent.

    An unknown operation is claimed only to send it a second time: `again` is the fence that it had when
    Roboflow showed that the first call had no effect. A smaller fence belongs to a copy of an old message.
    """
    operation = load_operation(operation_id)
    if operation is None or not is_allowed(operation.kind, operation.state, State.SENDING):
        return None
    if operation.state != State.QUEUED and operation.fence != again:
        return None
    # Two workers can read the same state at the same time: the UPDATE matches for one of them only.
    unclaimed = Operation.objects.filter(pk=operation.pk, state=operation.state, fence=operation.fence)
    claimed = unclaimed.update(
        state=State.SENDING,
        lease_until=now + timedelta(seconds=settings.OPERATION_LEASE_SECONDS),
        fence=F("fence") + 1,
        claimed_at=operation.claimed_at or now,
    )
    if not claimed:
        return None
    bump_revision(operation.workspace_id, Operation.objects.filter(pk=operation.pk))
    return load_operation(operation_id)


def load_operation(operation_id: UUID) -> Operation | None:
    """Return the operation with its workspace, actor and key, or None when it does not exist."""
    related = ("workspace", "actor", "key", "key__user", "key__workspace", "check_requested_by")
    return Operation.objects.select_related(*related).filter(pk=operation_id).first()


@transaction.atomic(durable=True)
def mark_sent(operation: Operation, *, known_ids: list[str], now: datetime) -> bool:
    """Record, just before the call, that Roboflow may receive it from now on; return whether it may be sent.

    It may not when the lease ran out or another worker claimed the operation: then nothing is written.
    """
    claimed = Operation.objects.filter(
        pk=operation.pk,
        state=State.SENDING,
        fence=operation.fence,
        lease_until__gt=now,
    )
    if not claimed.update(sent_at=now, known_ids=known_ids):
        return False
    operation.sent_at, operation.known_ids = now, known_ids
    return True


@transaction.atomic(durable=True)
def transition(
    operation: Operation, to: State, *, outcome: Outcome, now: datetime, only_if_unsent: bool = False
) -> bool:
    """Move `operation` from the state that it was read with to `to`; store the attempt and the event.

    Return False, and write nothing, when the move is not allowed, when the operation moved or was claimed
    since it was read or, with `only_if_unsent`, was sent since. Each end and the first *unknown* have an
    event.
    """
    if not is_allowed(operation.kind, operation.state, to):
        return False
    unmoved = Operation.objects.filter(pk=operation.pk, state=operation.state, fence=operation.fence)
    if only_if_unsent:
        unmoved = unmoved.filter(sent_at=None)
    fields = changed_fields(operation, to, outcome, now=now)
    if not unmoved.update(**fields):
        return False
    if outcome.attempt:
        store_attempt(operation, outcome.attempt)
    is_first_unknown = to == State.UNKNOWN and not operation.was_unknown
    for name, value in fields.items():
        setattr(operation, name, value)
    bump_revision(operation.workspace_id, Operation.objects.filter(pk=operation.pk))
    request_sync(operation.workspace_id, now=now)
    if to in ENDED_STATES or is_first_unknown:
        by = outcome.by or operation.origin
        append_operation_event(operation, to, by=by, now=now, message=outcome.message)
    transaction.on_commit(lambda: log_state(operation))
    return True


def changed_fields(operation: Operation, to: State, outcome: Outcome, *, now: datetime) -> dict[str, Any]:
    """Return the columns that a transition to `to` writes, with their values."""
    fields: dict[str, Any] = {
        "state": to,
        "message": outcome.message,
        "upstream_text": outcome.upstream_text or operation.upstream_text,
        "lease_until": None,
        "next_look_at": outcome.next_look_at,
        "target_id": outcome.target_id or operation.target_id,
    }
    if to == State.UNKNOWN:
        fields["was_unknown"] = True
    if to == State.ACCEPTED:
        fields["accepted_at"] = now
    if to == State.SUCCEEDED:
        fields["confirmed_at"] = now
    if to in ENDED_STATES:
        fields |= {"ended_at": now, "next_look_at": None}
    return fields


def log_state(operation: Operation) -> None:
    """Write the operation's state to the log, with the ids by which the trail can be searched."""
    log.info(
        "operation",
        operation_id=str(operation.pk),
        state=str(operation.state),
        kind=operation.kind,
        name=operation.target_name,
        request_id=operation.request_id,
        message=operation.message,
    )


def append_operation_event(
    operation: Operation, event: str, *, by: Origin, now: datetime, message: str = "", reason: str = ""
) -> None:
    """Append `event`, a key of kinds.EVENT_SENTENCES, to the trail. Call it inside a transaction."""
    append_event(
        action_of(operation.kind, event),
        by=by,
        at=now,
        about=operation_subject(operation),
        workspace=operation.workspace,
        reason=reason or operation.reason,
        changes={"message": (None, message)} if message else None,
        operation_id=str(operation.pk),
    )


def operation_subject(operation: Operation) -> Subject:
    """Return the trail's subject for the deployment that an operation is about."""
    return Subject(
        type="deployment",
        id=operation.target_id,
        name=operation.target_name,
        deployment_id=operation.target_id,
    )


def store_attempt(operation: Operation, attempt: Attempt) -> None:
    """Store a call and its answer, also when it changed no state."""
    attempt.operation = operation
    attempt.save()


def schedule_look(operation: Operation, *, seconds: float, now: datetime) -> None:
    """Record that Roboflow is to be asked again `seconds` after `now` what became of the operation."""
    unmoved = Operation.objects.filter(pk=operation.pk, state=operation.state)
    unmoved.update(next_look_at=now + timedelta(seconds=seconds))


@transaction.atomic(durable=True)
def dismiss_operation(operation: Operation, *, by: Origin, now: datetime) -> bool:
    """Record that a person has seen an unsuccessful operation; return False when it is settled already."""
    unsettled = Operation.objects.unsettled().filter(pk=operation.pk).exclude(state=State.UNKNOWN)
    if not unsettled.exists():
        return False
    undismissed = Operation.objects.filter(pk=operation.pk, dismissed_at=None)
    if not undismissed.update(dismissed_at=now):
        return False
    operation.dismissed_at = now
    bump_revision(operation.workspace_id, Operation.objects.filter(pk=operation.pk))
    append_operation_event(operation, "dismissed", by=by, now=now)
    return True


def cancel_operation(operation: Operation, *, by: Origin, now: datetime) -> bool:
    """Cancel an operation that is still queued; return False when a worker has claimed it."""
    outcome = Outcome(message=f"Cancelled by {by.actor_name} before it was sent.", by=by)
    return transition(operation, State.CANCELLED, outcome=outcome, now=now)


def mark_lost(operation: Operation, *, now: datetime) -> bool:
    """End the claim of a worker that stopped working; return whether the operation moved.

    It becomes *unknown*, and a look at Roboflow decides whether it is sent again. A kind that must not be
    sent twice becomes *failed* when it was not sent.
    """
    if operation.sent_at is None and not operation.facts.may_resend:
        message = "The worker stopped before the call. Nothing was sent."
        outcome = Outcome(message=message, by=SYSTEM)
        # If it was sent since we read it, the next sweep reads it again.
        return transition(operation, State.FAILED, outcome=outcome, now=now, only_if_unsent=True)
    message = "The worker stopped during the call, so the outcome is not known."
    outcome = Outcome(message=message, by=SYSTEM, next_look_at=now)
    return transition(operation, State.UNKNOWN, outcome=outcome, now=now)


def mark_restored(operation: Operation, *, now: datetime) -> bool:
    """Move an operation that was open in a restored back-up to *unknown*; return whether it moved.

    So Roboflow is asked before anything is sent. An accepted operation is never sent again: it stays as it
    is.
    """
    if operation.state == State.ACCEPTED:
        return False
    message = "This was restored from a back-up. What became of it since is not known."
    outcome = Outcome(message=message, by=SYSTEM, next_look_at=now)
    return transition(operation, State.UNKNOWN, outcome=outcome, now=now)
