"""Perform a claimed operation: check the person again, verify the target, call Roboflow once, store the outcome."""

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.utils.timezone import now as clock

from deployments.keys.models import KeyState
from deployments.keys.open import KeyUnreadable, call_with_key
from deployments.ledger.models import Attempt, Operation
from deployments.ledger.states import State
from deployments.ledger.transitions import (
    Outcome,
    claim_operation,
    load_operation,
    mark_sent,
    store_attempt,
    transition,
)
from deployments.operations.target import add_known_ids, ids_known_under_name, store_answer
from deployments.roboflow.client import Client
from deployments.roboflow.errors import NotFound, OutcomeUnknown, RoboflowError, Unavailable
from deployments.roboflow.mask import Secret
from deployments.roboflow.schema import DeploymentReport, NewDeployment
from deployments.workspaces.models import Membership
from deployments.workspaces.roles import Role, is_enough
from portal.queue.publish import publish

LEAST_SECONDS = 1.0  # with less left of the deadline no call is begun
FIRST_LOOK_SECONDS = 0.5
EARLIER_CALL = "An earlier call may have reached Roboflow."


class NotSent(Exception):
    """The operation is known not to have been sent; the message says why, for a person."""

    def __init__(self, why: str, *, upstream_text: str = "", attempt: Attempt | None = None) -> None:
        super().__init__(why)
        self.upstream_text, self.attempt = upstream_text, attempt


@dataclass
class Deadline:
    """The deadline that pre-check and call share; it is shorter than the lease."""

    ends: float  # monotonic seconds

    def seconds_left(self) -> float:
        """Return the seconds that are left."""
        return self.ends - time.monotonic()


def run_operation(operation_id: UUID, *, now: datetime, again: int | None = None) -> None:
    """Claim and perform one operation; do nothing when it is not to be sent, or not any more.

    `again` is the fence of an unknown operation when somebody looked and saw that it may be sent again.
    """
    deadline = Deadline(time.monotonic() + settings.OPERATION_CALL_SECONDS)
    operation = claim_operation(operation_id, now=now, again=again)
    if operation is None:
        return
    add_known_ids(operation)
    try:
        check_actor(operation)
        known_ids = verify_target(operation, deadline)
        check_actor(load_operation(operation_id) or operation)  # verifying may have taken its time
        if deadline.seconds_left() < LEAST_SECONDS:
            raise NotSent("There was no time left to send it. Nothing was sent.")
    except NotSent as reason:
        end_unsent(operation, reason)
        return
    if mark_sent(operation, known_ids=known_ids, now=clock()):
        send_operation(operation, deadline)


def end_unsent(operation: Operation, reason: NotSent) -> None:
    """End an operation that was not sent. If an earlier call was lost, its outcome stays unknown."""
    current_time = clock()
    if operation.sent_at is None:
        outcome = Outcome(message=str(reason), upstream_text=reason.upstream_text, attempt=reason.attempt)
        transition(operation, State.FAILED, outcome=outcome, now=current_time)
        return
    outcome = Outcome(
        message=f"{reason} {EARLIER_CALL}",
        upstream_text=reason.upstream_text,
        attempt=reason.attempt,
        next_look_at=first_look_at(current_time, times=4),
    )
    transition(operation, State.UNKNOWN, outcome=outcome, now=current_time)


def check_actor(operation: Operation) -> None:
    """Check that the person may still do it, under the key that they held when they asked. Raises NotSent."""
    actor, key, name = operation.actor, operation.key, operation.actor_name
    if actor is None or not actor.is_active:
        raise NotSent(f"{name} can no longer sign in. Nothing was sent.")
    member = Membership.objects.current().filter(user=actor, workspace=operation.workspace).first()
    if member is None:
        raise NotSent(f"{name} is no longer a member of this workspace. Nothing was sent.")
    if not is_enough(member.role, Role.OPERATOR):
        raise NotSent(f"{name} is {member.role} now, which is not enough. Nothing was sent.")
    if key is None or key.user_id != operation.actor_id or key.workspace_id != operation.workspace_id:
        raise NotSent(f"The key under which {name} asked was replaced or removed. Nothing was sent.")
    if key.state != KeyState.VALID:
        raise NotSent(f"The key of {name} is {key.get_state_display()}. Nothing was sent.")


def verify_target(operation: Operation, deadline: Deadline) -> list[str]:
    """Ask Roboflow once which deployment has the name now; return the ids that a create must not take for its own.

    Raises NotSent when it is not the one that the person saw, or when Roboflow does not say.
    """
    started = time.monotonic()
    makes_new = operation.facts.makes_new
    try:
        reported = fetch_target(operation, seconds=deadline.seconds_left())
    except NotFound as trouble:
        if makes_new:
            return ids_known_under_name(operation)
        why = "Roboflow knows no deployment of this name any more. Nothing was sent."
        raise NotSent(why, upstream_text=trouble.text) from None
    except (RoboflowError, KeyUnreadable) as trouble:
        raise not_verified(trouble, started) from None
    if makes_new:
        return sorted({*ids_known_under_name(operation), reported.deployment_id})
    if reported.deployment_id != operation.target_id:
        raise NotSent(
            f"The name now belongs to another deployment ({reported.deployment_id}). Nothing was sent."
        )
    known_ids: list[str] = operation.known_ids
    return known_ids


def not_verified(trouble: RoboflowError | KeyUnreadable, started: float) -> NotSent:
    """Return the error of an operation whose target could not be verified."""
    if isinstance(trouble, KeyUnreadable):
        return NotSent(f"{trouble} Nothing was sent.")
    return NotSent(
        f"{trouble.reading} Nothing was sent.",
        upstream_text=trouble.text,
        attempt=attempt_for("/get", trouble, started),
    )


def fetch_target(operation: Operation, *, seconds: float) -> DeploymentReport:
    """Ask `/get` once under the actor's key."""
    assert operation.key is not None

    def get(client: Client, secret: Secret) -> DeploymentReport:
        return client.get_deployment(secret, operation.target_name, attempts=1, deadline_seconds=seconds)

    return call_with_key(operation.key, get, now=clock())


def send_operation(operation: Operation, deadline: Deadline) -> None:
    """Call Roboflow once and store the outcome: accepted; failed where it is known not to have happened; else unknown."""
    started = time.monotonic()
    # A killed worker leaves no attempt, but its operation was unknown before it was sent again.
    is_repeated = (
        operation.was_unknown or operation.attempts.filter(endpoint=operation.facts.endpoint).exists()
    )
    try:
        report = call_roboflow(operation, deadline)
    except OutcomeUnknown as trouble:
        record_unknown(operation, trouble, started)
    except (Unavailable, KeyUnreadable) as trouble:
        if isinstance(trouble, Unavailable) and not trouble.never_sent:
            record_unknown(operation, trouble, started)
        else:
            record_refused(operation, trouble, started, is_repeated=is_repeated)
    except RoboflowError as trouble:
        record_refused(operation, trouble, started, is_repeated=is_repeated)
    else:
        record_accepted(operation, report, started)


def call_roboflow(operation: Operation, deadline: Deadline) -> DeploymentReport | None:
    """Make the one call of the operation's kind, with the time that is left once the key is open."""
    assert operation.key is not None
    facts = operation.facts
    what = NewDeployment(**operation.parameters) if facts.makes_new else operation.target_name

    def call(client: Client, secret: Secret) -> DeploymentReport | None:
        method = getattr(client, facts.client_method)
        report: DeploymentReport | None = method(secret, what, deadline_seconds=deadline.seconds_left())
        return report

    return call_with_key(operation.key, call, now=clock())


def first_look_at(current_time: datetime, *, times: int = 1) -> datetime:
    """Return when to look first. It is stored with the transition, so that a kill in between forgets no operation."""
    return current_time + timedelta(seconds=FIRST_LOOK_SECONDS * times)


def record_accepted(operation: Operation, report: DeploymentReport | None, started: float) -> None:
    """Store that Roboflow took it. Accepted is not done: workers look until what is reported agrees."""
    current_time = clock()
    outcome = Outcome(
        message="Roboflow accepted it.",
        attempt=attempt_for(operation.facts.endpoint, None, started),
        target_id=store_answer(operation, report, now=current_time),
        next_look_at=first_look_at(current_time),
    )
    store_outcome(operation, State.ACCEPTED, outcome, now=current_time)


def record_refused(
    operation: Operation, trouble: RoboflowError | KeyUnreadable, started: float, *, is_repeated: bool
) -> None:
    """Handle a 4xx, or a connection that was never made.

    If an earlier attempt may have reached Roboflow, the refusal may be caused by it, so the outcome stays unknown.
    """
    answer = trouble if isinstance(trouble, RoboflowError) else None
    reading = answer.reading if answer else str(trouble)
    current_time = clock()
    outcome = Outcome(
        message=f"{reading} {EARLIER_CALL}" if is_repeated else reading,
        upstream_text=answer.text if answer else "",
        attempt=attempt_for(operation.facts.endpoint, trouble, started),
        next_look_at=first_look_at(current_time) if is_repeated else None,
    )
    store_outcome(operation, State.UNKNOWN if is_repeated else State.FAILED, outcome, now=current_time)


def record_unknown(operation: Operation, trouble: RoboflowError, started: float) -> None:
    """Store that it may have happened: the reply was lost or says nothing."""
    current_time = clock()
    outcome = Outcome(
        message=f"{trouble.reading} The outcome is not known yet.",
        upstream_text=trouble.text,
        attempt=attempt_for(operation.facts.endpoint, trouble, started),
        next_look_at=first_look_at(current_time),
    )
    store_outcome(operation, State.UNKNOWN, outcome, now=current_time)


def store_outcome(operation: Operation, to: State, outcome: Outcome, *, now: datetime) -> None:
    """Move the operation, and have a worker look soon where its end is open.

    When the lease ran out meanwhile, only the attempt is stored: reconciling finds out what this call did.
    """
    if not transition(operation, to, outcome=outcome, now=now):
        assert outcome.attempt is not None
        store_attempt(operation, outcome.attempt)
    elif outcome.next_look_at:
        publish("operations.look", operation.pk)


def attempt_for(endpoint: str, trouble: RoboflowError | KeyUnreadable | None, started: float) -> Attempt:
    """Return the unsaved row of one call: its answer, and how long it took since `started` (monotonic seconds)."""
    answer = trouble if isinstance(trouble, RoboflowError) else None
    return Attempt(
        at=clock(),
        endpoint=endpoint,
        outcome=type(trouble).__name__ if trouble else "ok",
        status=answer.status if answer else (None if trouble else 200),
        text=answer.text if answer else "",
        milliseconds=int((time.monotonic() - started) * 1000),
    )
