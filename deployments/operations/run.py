"""Perform a claimed operation: check again, look, call Roboflow once, write what came of it."""

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.utils.timezone import now as clock

from deployments.fleet.models import Deployment
from deployments.keys.models import KeyState
from deployments.keys.open import KeyUnreadable, call_with_key
from deployments.operations.claim import (
    claim_operation,
    load_operation,
    mark_sent,
    store_answer,
    store_attempt,
    transition,
)
from deployments.operations.models import Attempt, Operation
from deployments.operations.states import Kind, State
from deployments.roboflow.errors import NotFound, OutcomeUnknown, RoboflowError, Unavailable
from deployments.roboflow.schema import DeploymentReport, NewDeployment
from deployments.workspaces.models import Membership
from deployments.workspaces.roles import Role, is_enough
from portal.queue.publish import publish

LEAST_SECONDS = 1.0  # with less left of the deadline a call is not begun
FIRST_LOOK_SECONDS = 0.5


class NotSent(Exception):
    """Known not to have been sent; says why for a person."""

    def __init__(self, why: str, *, words: str = "", attempt: Attempt | None = None) -> None:
        super().__init__(why)
        self.words, self.attempt = words, attempt


@dataclass
class Deadline:
    """Pre-check and call share one deadline, shorter than the lease."""

    ends: float

    def left(self) -> float:
        """Return the seconds that are left."""
        return self.ends - time.monotonic()


def run_operation(operation_id: UUID, *, now: datetime, again: int | None = None) -> None:
    """Claim and perform one operation; nothing happens when it is not to be sent (any more).

    `again`: the fence that an unknown operation had when it was found that it may be sent again.
    """
    deadline = Deadline(time.monotonic() + settings.OPERATION_CALL_SECONDS)
    operation = claim_operation(operation_id, now=now, again=again)
    if operation is None:
        return
    try:
        check_actor(operation)
        known_ids = verify_target(operation, deadline)
        check_actor(load_operation(operation_id) or operation)  # looking may have taken its time
        if deadline.left() < LEAST_SECONDS:
            raise NotSent("There was no time left to send it. Nothing was sent.")
    except NotSent as reason:
        end_unsent(operation, reason)
        return
    if mark_sent(operation, known_ids=known_ids, now=clock()):
        send_operation(operation, deadline)


def end_unsent(operation: Operation, reason: NotSent) -> None:
    """End what was not sent. Was an earlier call already lost, then this one changes nothing: its outcome stays unknown."""
    moment = clock()
    if operation.sent_at is None:
        transition(
            operation,
            State.FAILED,
            now=moment,
            message=str(reason),
            words=reason.words,
            attempt=reason.attempt,
        )
    else:
        words = f"{reason} An earlier call may have reached Roboflow."
        transition(
            operation,
            State.UNKNOWN,
            now=moment,
            message=words,
            words=reason.words,
            attempt=reason.attempt,
            next_look_at=first_look_at(moment, times=4),
        )


def check_actor(operation: Operation) -> None:
    """Whoever asked must still be allowed to, under the key that they held when they asked. Raises NotSent."""
    actor, key = operation.actor, operation.key
    if actor is None or not actor.is_active:
        raise NotSent("Whoever asked for it can no longer sign in. Nothing was sent.")
    member = Membership.objects.standing().filter(user=actor, workspace=operation.workspace).first()
    if member is None:
        raise NotSent(f"{operation.actor_name} is no longer a member of this workspace. Nothing was sent.")
    if not is_enough(member.role, Role.OPERATOR):
        raise NotSent(f"{operation.actor_name} is {member.role} now, which is not enough. Nothing was sent.")
    if key is None or key.user_id != operation.actor_id or key.workspace_id != operation.workspace_id:
        raise NotSent(
            f"The key under which {operation.actor_name} asked was replaced or removed. Nothing was sent."
        )
    if key.state != KeyState.VALID:
        raise NotSent(f"The key of {operation.actor_name} is {key.get_state_display()}. Nothing was sent.")


def verify_target(operation: Operation, deadline: Deadline) -> list[str]:
    """Look once at who carries the name now: the one that the person saw, or for a create whoever must not be taken for ours.

    Raises NotSent when it is another one, or when Roboflow does not say.
    """
    begun = time.monotonic()
    try:
        seen = fetch_target(operation, seconds=deadline.left())
    except NotFound as trouble:
        if operation.kind == Kind.CREATE:
            return ids_known_under_name(operation)
        raise NotSent(
            "Roboflow knows no deployment of this name any more. Nothing was sent.", words=trouble.text
        ) from None
    except (RoboflowError, KeyUnreadable) as trouble:
        raise not_verified(trouble, begun) from None
    if operation.kind == Kind.CREATE:
        return sorted({*ids_known_under_name(operation), seen.deployment_id})
    if seen.deployment_id != operation.target_id:
        raise NotSent(f"The name now belongs to another deployment ({seen.deployment_id}). Nothing was sent.")
    known: list[str] = operation.known_ids
    return known


def not_verified(trouble: RoboflowError | KeyUnreadable, begun: float) -> NotSent:
    """The look before sending failed: nothing was sent."""
    if isinstance(trouble, KeyUnreadable):
        return NotSent(f"{trouble} Nothing was sent.")
    return NotSent(
        f"{trouble.reading} Nothing was sent.",
        words=trouble.text,
        attempt=attempt_for("/get", trouble, begun),
    )


def fetch_target(operation: Operation, *, seconds: float) -> DeploymentReport:
    """Read the deployment under the actor's key: one attempt."""
    assert operation.key is not None
    name = operation.target_name
    return call_with_key(
        operation.key,
        lambda client, secret: client.get_deployment(secret, name, attempts=1, deadline_seconds=seconds),
        now=clock(),
    )


def ids_known_under_name(operation: Operation) -> list[str]:
    """Return the ids that we have ever seen under this name: none of them is the one that a create makes."""
    rows = Deployment.objects.filter(workspace=operation.workspace, deployment_name=operation.target_name)
    return sorted(rows.values_list("deployment_id", flat=True))


def send_operation(operation: Operation, deadline: Deadline) -> None:
    """Call Roboflow once and write the outcome: accepted, failed where it is known not to have happened, else unknown."""
    begun = time.monotonic()
    again = (
        operation.was_unknown or operation.attempts.filter(endpoint=endpoint_of(operation)).exists()
    )  # a killed worker leaves no attempt
    try:
        report = call_roboflow(operation, deadline)
    except OutcomeUnknown as trouble:
        record_unknown(operation, trouble, begun)
    except (Unavailable, KeyUnreadable) as trouble:
        if isinstance(trouble, Unavailable) and not trouble.never_sent:
            record_unknown(operation, trouble, begun)
        else:
            record_refused(operation, trouble, begun, again=again)
    except RoboflowError as trouble:
        record_refused(operation, trouble, begun, again=again)
    else:
        record_accepted(operation, report, begun)


def call_roboflow(operation: Operation, deadline: Deadline) -> DeploymentReport | None:
    """Make the one call of this kind, if there is still time when the key is open."""
    assert operation.key is not None
    name = operation.target_name
    if operation.kind == Kind.CREATE:
        new = NewDeployment(**operation.parameters)
        return call_with_key(
            operation.key,
            lambda client, secret: client.add(secret, new, deadline_seconds=deadline.left()),
            now=clock(),
        )
    if operation.kind == Kind.PAUSE:
        call_with_key(
            operation.key,
            lambda client, secret: client.pause(secret, name, deadline_seconds=deadline.left()),
            now=clock(),
        )
    elif operation.kind == Kind.RESUME:
        call_with_key(
            operation.key,
            lambda client, secret: client.resume(secret, name, deadline_seconds=deadline.left()),
            now=clock(),
        )
    else:
        call_with_key(
            operation.key,
            lambda client, secret: client.delete(secret, name, deadline_seconds=deadline.left()),
            now=clock(),
        )
    return None


def first_look_at(moment: datetime, *, times: int = 1) -> datetime:
    """Return when to look first: written with the step itself, so that a kill in between leaves nothing that nobody looks at."""
    return moment + timedelta(seconds=FIRST_LOOK_SECONDS * times)


def record_accepted(operation: Operation, report: DeploymentReport | None, begun: float) -> None:
    """Roboflow took it. Accepted is not done: look until what is reported agrees."""
    moment = clock()
    answered = attempt_for(endpoint_of(operation), None, begun)
    row = store_answer(operation, report, now=moment)
    words = "Roboflow accepted it."
    if transition(
        operation,
        State.ACCEPTED,
        now=moment,
        message=words,
        attempt=answered,
        deployment=row,
        accepted_at=moment,
        next_look_at=first_look_at(moment),
    ):
        publish("operations.look", operation.pk)
    else:
        store_attempt(
            operation, answered
        )  # the lease ran out meanwhile; reconciling finds out what this answer did


def record_refused(
    operation: Operation, trouble: RoboflowError | KeyUnreadable, begun: float, *, again: bool
) -> None:
    """A clear no. After an earlier lost call it proves nothing: that one may be why Roboflow says no."""
    words = trouble.text if isinstance(trouble, RoboflowError) else ""
    reading = trouble.reading if isinstance(trouble, RoboflowError) else str(trouble)
    answered = attempt_for(endpoint_of(operation), trouble, begun)
    if again:
        record_unknown_outcome(
            operation, f"{reading} An earlier call may have reached Roboflow.", words, answered
        )
    elif not transition(operation, State.FAILED, now=clock(), message=reading, words=words, attempt=answered):
        store_attempt(operation, answered)


def record_unknown(operation: Operation, trouble: RoboflowError, begun: float) -> None:
    """The reply was lost or says nothing."""
    record_unknown_outcome(
        operation,
        f"{trouble.reading} The outcome is not known yet.",
        trouble.text,
        attempt_for(endpoint_of(operation), trouble, begun),
    )


def record_unknown_outcome(operation: Operation, message: str, words: str, answered: Attempt) -> None:
    """Write that it may have happened, and look soon."""
    moment = clock()
    if transition(
        operation,
        State.UNKNOWN,
        now=moment,
        message=message,
        words=words,
        attempt=answered,
        next_look_at=first_look_at(moment),
    ):
        publish("operations.look", operation.pk)
    else:
        store_attempt(operation, answered)


def endpoint_of(operation: Operation) -> str:
    """Return the endpoint of an operation's kind."""
    return "/add" if operation.kind == Kind.CREATE else f"/{operation.kind}"


def attempt_for(endpoint: str, trouble: RoboflowError | KeyUnreadable | None, begun: float) -> Attempt:
    """Return the row of one call and its answer."""
    answer = trouble if isinstance(trouble, RoboflowError) else None
    return Attempt(
        at=clock(),
        endpoint=endpoint,
        outcome=type(trouble).__name__ if trouble else "ok",
        status=answer.status if answer else (None if trouble else 200),
        text=answer.text if answer else "",
        milliseconds=int((time.monotonic() - begun) * 1000),
    )
