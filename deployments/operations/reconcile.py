"""Find out whether an accepted or unknown operation happened: ask Roboflow until it shows, or the window ends."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.utils.timezone import now as clock

from deployments.keys.models import ApiKey, KeyState
from deployments.keys.open import KeyUnreadable, call_with_key, reader_keys
from deployments.ledger.kinds import is_done
from deployments.ledger.models import Operation
from deployments.ledger.states import State
from deployments.ledger.transitions import Outcome, load_operation, schedule_look, transition
from deployments.operations.target import add_known_ids, store_answer
from deployments.roboflow.client import Client
from deployments.roboflow.errors import KeyRefused, NotFound, RoboflowError
from deployments.roboflow.mask import Secret
from deployments.roboflow.schema import DeploymentReport
from portal.queue.publish import publish

MAX_RESENDS = 2  # of kinds that may be sent again, when Roboflow shows that they did not happen
GRACE_SECONDS = 4.0  # after a lost call, before it is taken for not processed
LOOK_SECONDS = 20.0  # deadline of one look


@dataclass(frozen=True)
class Observation:
    """What `/get` said: a report, nothing of this name (`is_absent`), or no answer (`trouble`)."""

    report: DeploymentReport | None = None
    is_absent: bool = False
    trouble: str = ""


@dataclass(frozen=True)
class Verdict:
    """What follows from an observation: a state to move to, or None to wait; `resend` sends the operation again."""

    to: State | None
    message: str
    resend: bool = False


def decide(operation: Operation, seen: Observation, *, is_over: bool, may_resend: bool) -> Verdict:
    """Return what an observation means for an operation. Pure.

    Absence proves nothing before the confirm window ends (`is_over`), and even then only *needs attention*.
    """
    if verdict := proven_verdict(operation, seen):
        return verdict
    description = describe_observation(operation, seen)
    if is_over:
        message = f"{description} Nobody can say whether it will still happen: look at Roboflow."
        return Verdict(State.NEEDS_ATTENTION, message)
    is_same = seen.report is not None and seen.report.deployment_id == operation.target_id
    may_resend = may_resend and operation.facts.may_resend
    if operation.state == State.UNKNOWN and is_same and may_resend:
        return Verdict(None, "", resend=True)
    return Verdict(None, description)


def proven_verdict(operation: Operation, seen: Observation) -> Verdict | None:
    """Return the verdict that an observation proves, or None when it proves nothing."""
    report = seen.report
    has_other_id = report is not None and report.deployment_id != operation.target_id
    if operation.facts.removes and (seen.is_absent or has_other_id):
        return Verdict(State.SUCCEEDED, "It is gone at Roboflow.")
    if report is None or not is_about_operation(operation, report):
        return None
    if is_done(operation.kind, report.status):
        return Verdict(State.SUCCEEDED, f"Roboflow reports it as {report.status or 'there'}.")
    if operation.facts.makes_new:
        return Verdict(State.NEEDS_ATTENTION, f"Roboflow made it, but reports it as {report.status}.")
    return None


def is_about_operation(operation: Operation, report: DeploymentReport) -> bool:
    """Return whether a report is about the operation's deployment.

    Of a create without an answer it is, when its id was not seen before the create was sent.
    """
    if operation.target_id:
        return report.deployment_id == operation.target_id
    is_sent_create = operation.facts.makes_new and operation.sent_at is not None
    return is_sent_create and report.deployment_id not in operation.known_ids


def describe_observation(operation: Operation, seen: Observation) -> str:
    """Return in a sentence what Roboflow shows."""
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
    """Look once for an accepted or unknown operation and store what follows."""
    operation = load_operation(operation_id)
    if operation is None or operation.state not in (State.ACCEPTED, State.UNKNOWN):
        return
    if not take_look_turn(operation):
        return
    add_known_ids(operation)
    seen = fetch_observation(operation)
    current_time = clock()
    # A time before the window began means that the clock was set back.
    is_in_window = window_start(operation) - timedelta(minutes=1) <= current_time < window_end(operation)
    verdict = decide(
        operation, seen, is_over=not is_in_window, may_resend=may_resend(operation, now=current_time)
    )
    if verdict.resend:
        publish("operations.run", operation.pk, operation.fence)
        schedule_look(operation, seconds=settings.SWEEP_SECONDS, now=current_time)
    elif verdict.to:
        store_verdict(operation, verdict.to, verdict.message, seen, now=current_time)
    else:
        schedule_next_look(operation, verdict, now=current_time)


def take_look_turn(operation: Operation) -> bool:
    """Book the look by compare-and-set; return whether it is ours, of several workers that look at once."""
    booked = clock() + timedelta(seconds=LOOK_SECONDS)
    unmoved = Operation.objects.filter(
        pk=operation.pk, state=operation.state, next_look_at=operation.next_look_at
    )
    return bool(unmoved.update(next_look_at=booked))


def window_start(operation: Operation) -> datetime:
    """Return when the confirm window began: with the first claim."""
    return operation.claimed_at or operation.requested_at


def window_end(operation: Operation) -> datetime:
    """Return when the confirm window ends."""
    return window_start(operation) + timedelta(seconds=settings.OPERATION_CONFIRM_SECONDS)


def may_resend(operation: Operation, *, now: datetime) -> bool:
    """Return whether enough time passed, and not too many calls were made, to send a lost operation again."""
    last = operation.sent_at or operation.claimed_at
    is_quiet = last is not None and now - last > timedelta(seconds=GRACE_SECONDS)
    return operation.fence <= MAX_RESENDS and is_quiet


def fetch_observation(operation: Operation) -> Observation:
    """Ask `/get`, under the actor's key where it still works, else under any member's: reading is not acting."""
    own = [operation.key] if operation.key and operation.key.state == KeyState.VALID else []
    keys: list[ApiKey] = [*own, *(key for key in reader_keys(operation.workspace) if key not in own)]
    trouble = "no member has a key that works."

    def get(client: Client, secret: Secret) -> DeploymentReport:
        return client.get_deployment(
            secret, operation.target_name, attempts=1, deadline_seconds=LOOK_SECONDS - 5
        )

    for key in keys:
        try:
            return Observation(call_with_key(key, get, now=clock()))
        except NotFound:
            return Observation(is_absent=True)
        except (KeyRefused, KeyUnreadable) as refusal:
            trouble = str(refusal)
        except RoboflowError as error:
            return Observation(trouble=error.reading)
    return Observation(trouble=trouble)


def store_verdict(operation: Operation, to: State, message: str, seen: Observation, *, now: datetime) -> None:
    """End the operation with what was seen, and store that in the fleet at the same time."""
    is_ours = seen.report is not None and is_about_operation(operation, seen.report)
    target_id = store_answer(operation, seen.report if is_ours else None, now=now)
    transition(operation, to, outcome=Outcome(message=message, target_id=target_id), now=now)


def schedule_next_look(operation: Operation, verdict: Verdict, *, now: datetime) -> None:
    """Schedule the next look: often at first, then every few seconds."""
    since = operation.accepted_at or operation.sent_at or operation.claimed_at or now
    waited = (now - since).total_seconds()
    seconds = 0.5 if waited < 5 else 2.0 if waited < 30 else 5.0
    Operation.objects.filter(pk=operation.pk, state=operation.state).update(message=verdict.message)
    schedule_look(operation, seconds=seconds, now=now)
    publish("operations.look", operation.pk, after_seconds=seconds)
