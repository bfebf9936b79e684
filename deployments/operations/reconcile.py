"""Find out whether an accepted or unknown operation happened: look at Roboflow until it shows, or until the window ends."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils.timezone import now as clock

from deployments.keys.models import ApiKey, KeyState
from deployments.keys.open import KeyUnreadable, call_with_key, reader_keys
from deployments.operations.claim import load_operation, schedule_look, store_answer, transition
from deployments.operations.models import Operation
from deployments.operations.states import Kind, State, agrees
from deployments.roboflow.errors import KeyRefused, NotFound, RoboflowError
from deployments.roboflow.schema import DeploymentReport
from portal.queue.publish import publish

MAX_RESENDS = 2  # of pause, resume, delete, when the state shows that they did not happen
GRACE_SECONDS = 4.0  # after a lost call, before its absence means anything
LOOK_SECONDS = 20.0  # deadline of one look


@dataclass(frozen=True)
class Observation:
    """What `/get` said: a report, nothing of this name, or no answer."""

    report: DeploymentReport | None = None
    absent: bool = False
    trouble: str = ""


@dataclass(frozen=True)
class Verdict:
    """What follows: a state to step to, or None to wait; `resend` sends it again."""

    to: State | None
    message: str
    resend: bool = False


def decide(operation: Operation, seen: Observation, *, over: bool, may_resend: bool) -> Verdict:
    """Return what the sight of Roboflow means for an operation. Pure.

    `over`: the window has ended. Absence proves nothing before that, and even then only *needs attention*.
    """
    if found := proven_verdict(operation, seen):
        return found
    if over:
        return Verdict(
            State.NEEDS_ATTENTION,
            f"{describe_observation(operation, seen)} Nobody can say whether it will: look at it.",
        )
    same = seen.report is not None and seen.report.deployment_id == operation.target_id
    if operation.state == State.UNKNOWN and operation.kind != Kind.CREATE and same and may_resend:
        return Verdict(None, "", resend=True)
    return Verdict(None, describe_observation(operation, seen))


def proven_verdict(operation: Operation, seen: Observation) -> Verdict | None:
    """Return the verdict where what is seen proves it."""
    report = seen.report
    if operation.kind == Kind.DELETE and (
        seen.absent or (report and report.deployment_id != operation.target_id)
    ):
        return Verdict(State.SUCCEEDED, "It is gone at Roboflow.")
    if report is None or not is_about_operation(operation, report):
        return None
    if operation.kind == Kind.CREATE and report.status == "failed":
        return Verdict(State.NEEDS_ATTENTION, "Roboflow made it, but reports it as failed.")
    if agrees(operation.kind, report.status):
        return Verdict(State.SUCCEEDED, f"Roboflow reports it as {report.status or 'there'}.")
    return None


def is_about_operation(operation: Operation, report: DeploymentReport) -> bool:
    """Say whether a report is about the operation's deployment; of a create without an answer: an id unseen before it was sent."""
    if operation.target_id:
        return report.deployment_id == operation.target_id
    return (
        operation.kind == Kind.CREATE
        and operation.sent_at is not None
        and report.deployment_id not in operation.known_ids
    )


def describe_observation(operation: Operation, seen: Observation) -> str:
    """Say in a sentence what Roboflow shows."""
    if seen.trouble:
        return f"Roboflow could not be asked: {seen.trouble}"
    if seen.report is None:
        return "Roboflow knows no deployment of this name."
    if operation.target_id and seen.report.deployment_id != operation.target_id:
        return "The name belongs to another deployment now."
    if not is_about_operation(operation, seen.report):
        return "Roboflow knows only an older deployment of this name."
    return f"Roboflow reports it as {seen.report.status}."


def look_at_operation(operation_id: UUID) -> None:
    """Look once for an accepted or unknown operation and write what follows."""
    operation = load_operation(operation_id)
    if (
        operation is None
        or operation.state not in (State.ACCEPTED, State.UNKNOWN)
        or not take_look_turn(operation)
    ):
        return
    seen = fetch_observation(operation)
    moment = clock()
    over = (
        not window_start(operation) - timedelta(minutes=1) <= moment < window_end(operation)
    )  # before it: the clock was set back
    verdict = decide(operation, seen, over=over, may_resend=may_resend(operation, now=moment))
    if verdict.resend:
        publish("operations.run", operation.pk, operation.fence)
        schedule_look(operation, seconds=settings.SWEEP_SECONDS, now=moment)
    elif verdict.to:
        end_operation(operation, verdict, seen, now=moment)
    else:
        schedule_next_look(operation, verdict, now=moment)


def take_look_turn(operation: Operation) -> bool:
    """Of several workers that look at once, only one goes on: the look is booked by compare-and-set."""
    booked = clock() + timedelta(seconds=LOOK_SECONDS)
    mine = Operation.objects.filter(
        pk=operation.pk, state=operation.state, next_look_at=operation.next_look_at
    )
    return bool(mine.update(next_look_at=booked))


def window_start(operation: Operation) -> datetime:
    """Return when the window began: with the first claim."""
    return operation.claimed_at or operation.requested_at


def window_end(operation: Operation) -> datetime:
    """Return when the window ends."""
    return window_start(operation) + timedelta(seconds=settings.OPERATION_CONFIRM_SECONDS)


def may_resend(operation: Operation, *, now: datetime) -> bool:
    """Say whether a lost pause, resume or delete may be sent once more."""
    last = operation.sent_at or operation.claimed_at
    return (
        operation.fence <= MAX_RESENDS and last is not None and now - last > timedelta(seconds=GRACE_SECONDS)
    )


def fetch_observation(operation: Operation) -> Observation:
    """Ask `/get`, under the actor's key where it still works, else under any member's: reading is not acting."""
    own = [operation.key] if operation.key and operation.key.state == KeyState.VALID else []
    keys: list[ApiKey] = [*own, *(key for key in reader_keys(operation.workspace) if key not in own)]
    name, trouble = operation.target_name, "no member holds a key that works."
    for key in keys:
        try:
            return Observation(
                call_with_key(
                    key,
                    lambda client, secret: client.get_deployment(
                        secret, name, attempts=1, deadline_seconds=LOOK_SECONDS - 5
                    ),
                    now=clock(),
                )
            )
        except NotFound:
            return Observation(absent=True)
        except (KeyRefused, KeyUnreadable) as refusal:
            trouble = str(refusal)
        except RoboflowError as error:
            return Observation(trouble=error.reading)
    return Observation(trouble=trouble)


def end_operation(operation: Operation, verdict: Verdict, seen: Observation, *, now: datetime) -> None:
    """End the operation with what was seen; the fleet learns it at the same time."""
    assert verdict.to is not None
    row = store_answer(
        operation,
        seen.report if seen.report and is_about_operation(operation, seen.report) else None,
        now=now,
    )
    confirmed: dict[str, Any] = {"confirmed_at": now} if verdict.to == State.SUCCEEDED else {}
    transition(operation, verdict.to, now=now, message=verdict.message, deployment=row, **confirmed)


def schedule_next_look(operation: Operation, verdict: Verdict, *, now: datetime) -> None:
    """Look again: often at first, then every few seconds."""
    since = (
        now - (operation.accepted_at or operation.sent_at or operation.claimed_at or now)
    ).total_seconds()
    seconds = 0.5 if since < 5 else 2.0 if since < 30 else 5.0
    Operation.objects.filter(pk=operation.pk, state=operation.state).update(message=verdict.message)
    schedule_look(operation, seconds=seconds, now=now)
    publish("operations.look", operation.pk, after_seconds=seconds)
