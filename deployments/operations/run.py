"""Perform one operation: claim it, check person and target, call Roboflow once, store the outcome."""

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings

from deployments.fleet.sync import publish_due_syncs
from deployments.keys.open import KeyUnreadable, call_with_key
from deployments.ledger.kinds import why_impossible
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
from deployments.logs.harvest import read_last_lines
from deployments.operations.reconcile import LIST_GRACE
from deployments.operations.target import add_known_ids, ids_known_under_name, store_answer
from deployments.roboflow.client import Client
from deployments.roboflow.errors import NotFound, OutcomeUnknown, RoboflowError, Unavailable
from deployments.roboflow.mask import Secret
from deployments.roboflow.schema import DeploymentReport, NewDeployment
from deployments.workspaces.due import LEAST_BETWEEN
from deployments.workspaces.models import Membership
from deployments.workspaces.roles import Role, is_enough
from portal.clock import now as clock
from portal.queue.publish import publish

LEAST_SECONDS = 1.0  # no call is started with less time before the deadline
FIRST_LOOK_SECONDS = 0.5
EARLIER_CALL = "An earlier call may have reached Roboflow."


class NotSent(Exception):
    """The operation was certainly not sent. The message tells a person why."""

    def __init__(self, why: str, *, upstream_text: str = "", attempt: Attempt | None = None) -> None:
        super().__init__(why)
        self.upstream_text, self.attempt = upstream_text, attempt


@dataclass
class Deadline:
    """The deadline that the pre-check and the call share. It is shorter than the lease."""

    ends_at: float  # monotonic seconds

    def seconds_left(self) -> float:
        """Return the seconds until the deadline; negative after it."""
        return self.ends_at - time.monotonic()


def run_operation(operation_id: UUID, *, now: datetime, again: int | None = None) -> None:
    """Claim one operation and send it to Roboflow. Do nothing if it cannot be claimed.

    A queued operation is claimed without `again`. For an unknown one, `again` is the fence that it had when
    reconciling showed that it may be sent again.
    """
    deadline = Deadline(time.monotonic() + settings.OPERATION_CALL_SECONDS)
    operation = claim_operation(operation_id, now=now, again=again)
    if operation is None:
        return
    add_known_ids(operation)
    try:
        check_actor(operation)
        known_ids = verify_target(operation, deadline)
        if operation.facts.ends_log:
            read_last_lines(operation.workspace_id, operation.target_id, seconds=deadline.seconds_left() / 4)
        check_actor(load_operation(operation_id) or operation)  # verifying may have taken seconds
        if deadline.seconds_left() < LEAST_SECONDS:
            raise NotSent("The time for this call ran out. Nothing was sent.")
    except NotSent as error:
        end_unsent(operation, error)
        return
    if mark_sent(operation, known_ids=known_ids, now=clock()):
        send_operation(operation, deadline)


def publish_batch(batch_id: UUID) -> int:
    """Publish each queued operation of a batch, in the order of their names; return how many."""
    queued = Operation.objects.filter(batch_id=batch_id, state=State.QUEUED).order_by("target_name")
    return sum(publish("operations.run", pk) for pk in queued.values_list("pk", flat=True))


def end_unsent(operation: Operation, error: NotSent) -> None:
    """End an unsent operation as failed, or as unknown if an earlier attempt was sent."""
    current_time = clock()
    if operation.sent_at is None:
        outcome = Outcome(message=str(error), upstream_text=error.upstream_text, attempt=error.attempt)
        transition(operation, State.FAILED, outcome=outcome, now=current_time)
        return
    outcome = Outcome(
        message=f"{error} {EARLIER_CALL}",
        upstream_text=error.upstream_text,
        attempt=error.attempt,
        next_look_at=first_look_at(current_time, times=4),
    )
    transition(operation, State.UNKNOWN, outcome=outcome, now=current_time)


def check_actor(operation: Operation) -> None:
    """Raise NotSent unless the person may still do this, with the key of when they requested it."""
    actor, key, name = operation.actor, operation.key, operation.actor_name
    if actor is None or not actor.is_active:
        raise NotSent(f"{name} can no longer sign in. Nothing was sent.")
    member = Membership.objects.current().filter(user=actor, workspace=operation.workspace).first()
    if member is None:
        raise NotSent(f"{name} is no longer a member of this workspace. Nothing was sent.")
    if not is_enough(member.role, Role.OPERATOR):
        raise NotSent(f"{name} now has the role {member.role}, which may not do this. Nothing was sent.")
    if key is None or key.user_id != operation.actor_id or key.workspace_id != operation.workspace_id:
        raise NotSent(f"The key that {name} used was replaced or removed. Nothing was sent.")
    if not key.works:
        raise NotSent(f"The key of {name} is {key.get_state_display()}. Nothing was sent.")


def verify_target(operation: Operation, deadline: Deadline) -> list[str]:
    """Check with `/get` that the name belongs to the deployment that the person saw.

    Return the ids that a create must not take for the deployment that it makes. Raise NotSent when the name
    belongs to another deployment, when the change is not possible from the reported status, or when Roboflow
    does not answer.
    """
    started = time.monotonic()
    makes_new = operation.facts.makes_new
    try:
        reported = fetch_target(operation, seconds=deadline.seconds_left())
    except NotFound as error:
        if makes_new:
            return ids_known_under_name(operation)
        why = "Roboflow no longer has a deployment with this name. Nothing was sent."
        raise NotSent(why, upstream_text=error.text) from None
    except (RoboflowError, KeyUnreadable) as error:
        raise not_verified(error, started) from None
    if makes_new:
        return sorted({*ids_known_under_name(operation), reported.deployment_id})
    if reported.deployment_id != operation.target_id:
        other = f"The name now belongs to another deployment ({reported.deployment_id})."
        raise NotSent(f"{other} Nothing was sent.")
    if why := why_impossible(operation.kind, reported.status):
        raise NotSent(f"The deployment {why}. Nothing was sent.")
    known_ids: list[str] = operation.known_ids
    return known_ids


def not_verified(error: RoboflowError | KeyUnreadable, started: float) -> NotSent:
    """Return the error to raise when `/get` failed with `error`, so that the target could not be verified."""
    if isinstance(error, KeyUnreadable):
        return NotSent(f"{error} Nothing was sent.")
    return NotSent(
        f"{error.reading} Nothing was sent.",
        upstream_text=error.text,
        attempt=attempt_for("/get", error, started),
    )


def fetch_target(operation: Operation, *, seconds: float) -> DeploymentReport:
    """Call `/get` once with the actor's key. Raises RoboflowError and KeyUnreadable."""
    assert operation.key is not None

    def get(client: Client, secret: Secret) -> DeploymentReport:
        return client.get_deployment(secret, operation.target_name, attempts=1, deadline_seconds=seconds)

    return call_with_key(operation.key, get, now=clock())


def send_operation(operation: Operation, deadline: Deadline) -> None:
    """Call Roboflow once and store the outcome.

    That is *accepted*, *failed* if the change certainly did not happen, or *unknown*.
    """
    started = time.monotonic()
    # A worker that was killed during its call stored no attempt, but its operation became unknown.
    is_repeated = (
        operation.was_unknown or operation.attempts.filter(endpoint=operation.facts.endpoint).exists()
    )
    try:
        report = call_roboflow(operation, deadline)
    except OutcomeUnknown as error:
        record_unknown(operation, error, started)
    except (RoboflowError, KeyUnreadable) as error:
        if isinstance(error, Unavailable) and not error.never_sent:
            record_unknown(operation, error, started)
        else:
            record_refused(operation, error, started, is_repeated=is_repeated)
    else:
        record_accepted(operation, report, started)


def call_roboflow(operation: Operation, deadline: Deadline) -> DeploymentReport | None:
    """Make the call of the operation's kind and return the report of a create, None for other kinds.

    Raises RoboflowError and KeyUnreadable. The time limit is taken after the key is opened: that can be slow.
    """
    assert operation.key is not None
    facts = operation.facts
    argument = NewDeployment(**operation.parameters) if facts.makes_new else operation.target_name

    def call(client: Client, secret: Secret) -> DeploymentReport | None:
        method = getattr(client, facts.client_method)
        report: DeploymentReport | None = method(secret, argument, deadline_seconds=deadline.seconds_left())
        return report

    return call_with_key(operation.key, call, now=clock())


def first_look_at(current_time: datetime, *, times: int = 1) -> datetime:
    """Return when to reconcile first. It is stored with the transition; the worker may be killed next."""
    return current_time + timedelta(seconds=FIRST_LOOK_SECONDS * times)


def record_accepted(operation: Operation, report: DeploymentReport | None, started: float) -> None:
    """Store that Roboflow accepted the change. Reconciling then waits until it is reported as done."""
    current_time = clock()
    outcome = Outcome(
        message="Roboflow accepted it.",
        attempt=attempt_for(operation.facts.endpoint, None, started),
        target_id=store_answer(operation, report, now=current_time),
        next_look_at=current_time + LIST_GRACE,  # by then a list should have shown it
    )
    store_outcome(operation, State.ACCEPTED, outcome, now=current_time)


def record_refused(
    operation: Operation, error: RoboflowError | KeyUnreadable, started: float, *, is_repeated: bool
) -> None:
    """Handle a 4xx, a connection that was never made, or a key that cannot be opened.

    If an earlier attempt may have reached Roboflow (`is_repeated`), it may have caused this refusal: then the
    outcome stays unknown.
    """
    answer = error if isinstance(error, RoboflowError) else None
    reading = answer.reading if answer else str(error)
    current_time = clock()
    outcome = Outcome(
        message=f"{reading} {EARLIER_CALL}" if is_repeated else reading,
        upstream_text=answer.text if answer else "",
        attempt=attempt_for(operation.facts.endpoint, error, started),
        next_look_at=first_look_at(current_time) if is_repeated else None,
    )
    store_outcome(operation, State.UNKNOWN if is_repeated else State.FAILED, outcome, now=current_time)


def record_unknown(operation: Operation, error: RoboflowError, started: float) -> None:
    """Store that the change may have happened: the reply was lost, or does not tell."""
    current_time = clock()
    outcome = Outcome(
        message=f"{error.reading} The outcome is not known yet.",
        upstream_text=error.text,
        attempt=attempt_for(operation.facts.endpoint, error, started),
        next_look_at=first_look_at(current_time),
    )
    store_outcome(operation, State.UNKNOWN, outcome, now=current_time)


def store_outcome(operation: Operation, to: State, outcome: Outcome, *, now: datetime) -> None:
    """Move the operation to state `to`, and publish what finds out its end: the list, or a look of its own.

    If the lease expired during the call, only the attempt is stored: reconciling finds out what the call did.
    """
    if not transition(operation, to, outcome=outcome, now=now):
        assert outcome.attempt is not None
        store_attempt(operation, outcome.attempt)
    elif to == State.ACCEPTED:
        # Right after a list, the next one is due a second later. Beat could find that another second late.
        if not publish_due_syncs(now=now, workspace_id=operation.workspace_id) and not operation.batch_id:
            publish("logs.read_due", after_seconds=LEAST_BETWEEN.total_seconds())
    elif outcome.next_look_at:
        publish("operations.look", operation.pk)


def attempt_for(endpoint: str, error: RoboflowError | KeyUnreadable | None, started: float) -> Attempt:
    """Return the unsaved row of a call. `started` is monotonic seconds; `error` is None if it succeeded."""
    answer = error if isinstance(error, RoboflowError) else None
    return Attempt(
        at=clock(),
        endpoint=endpoint,
        outcome=type(error).__name__ if error else "ok",
        status=answer.status if answer else (None if error else 200),
        text=answer.text if answer else "",
        milliseconds=int((time.monotonic() - started) * 1000),
    )
