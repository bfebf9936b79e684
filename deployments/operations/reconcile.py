"""Reconcile an accepted or unknown operation: ask `/get` until the outcome shows or the confirm window ends.

One look is one `/get` for one operation, and what follows from its answer.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings

from deployments.keys.models import ApiKey
from deployments.keys.open import KeyUnreadable, call_with_key, reader_keys
from deployments.keys.watch import ReadingPaused
from deployments.ledger.kinds import is_done
from deployments.ledger.models import Operation
from deployments.ledger.states import State
from deployments.ledger.transitions import Outcome, load_operation, schedule_look, transition
from deployments.operations.settle import current_row, has_newer_list, settle_operation
from deployments.operations.target import add_known_ids, store_answer
from deployments.roboflow.client import Client
from deployments.roboflow.errors import KeyRefused, NotFound, RoboflowError
from deployments.roboflow.mask import Secret
from deployments.roboflow.schema import DeploymentReport
from portal.clock import now as clock
from portal.queue.publish import publish

MAX_RESENDS = 2  # of an unknown operation that Roboflow shows not to have happened
GRACE_SECONDS = 4.0  # Roboflow may still process a call this long after its reply was lost
EARLY = timedelta(seconds=0.3)  # a message may arrive this much before its time
LONGEST_WAIT = timedelta(minutes=1)  # longer than any time between two looks
LIST_GRACE = timedelta(seconds=10)  # by then a list should show what Roboflow accepted
LIST_WAIT = timedelta(seconds=30)  # between two looks while lists are read, as each of them settles anyway
NOBODY_KNOWS = "The portal cannot tell whether it will still happen: check at Roboflow."
PAUSED_SECONDS = 5.0  # between two looks that ask nothing, because reading is paused
LOOK_SECONDS = 20.0  # a look is over after this: then another worker may take its turn
MAX_CLOCK_SKEW = timedelta(minutes=1)  # between two machines of the portal
KEY_OPENING_SECONDS = 5.0  # what a look needs beside its call


@dataclass(frozen=True)
class Observation:
    """What `/get` answered: a report, no such deployment (`is_absent`), or nothing and why (`error`).

    With `is_paused`, nothing was asked: Roboflow is silent, or wants to be left alone.
    """

    report: DeploymentReport | None = None
    is_absent: bool = False
    error: str = ""
    is_paused: bool = False


@dataclass(frozen=True)
class Verdict:
    """What follows from an observation: a state to move to (None: wait on), or to `resend` the operation."""

    to: State | None
    message: str
    resend: bool = False


def decide(
    operation: Operation, observation: Observation, *, is_window_over: bool, may_resend: bool
) -> Verdict:
    """Return the verdict on an operation after one observation. Pure.

    An observation that proves nothing means to wait or, once the confirm window is over, *needs attention*.
    `may_resend` says whether another call may be made now; a create is never sent again.
    """
    if verdict := proven_verdict(operation, observation):
        return verdict
    description = describe_observation(operation, observation)
    if is_window_over:
        return Verdict(State.NEEDS_ATTENTION, f"{description} {NOBODY_KNOWS}")
    report = observation.report
    is_same = report is not None and report.deployment_id == operation.target_id
    may_resend = may_resend and operation.facts.may_resend
    if operation.state == State.UNKNOWN and is_same and may_resend:
        return Verdict(None, "", resend=True)
    return Verdict(None, description)


def proven_verdict(operation: Operation, observation: Observation) -> Verdict | None:
    """Return the verdict that an observation proves at any time, or None when it proves nothing. Pure."""
    report = observation.report
    has_other_id = report is not None and report.deployment_id != operation.target_id
    if operation.facts.removes and (observation.is_absent or has_other_id):
        return Verdict(State.SUCCEEDED, "Roboflow no longer has it.")
    if report is None or not is_about_operation(operation, report):
        return None
    if is_done(operation.kind, report.status):
        return Verdict(State.SUCCEEDED, f"Roboflow reports it as {report.status or 'existing'}.")
    if operation.facts.makes_new:
        return Verdict(State.NEEDS_ATTENTION, f"Roboflow created it, but reports it as {report.status}.")
    return None


def is_about_operation(operation: Operation, report: DeploymentReport) -> bool:
    """Return whether a report is about the deployment that the operation changes or made. Pure.

    A sent create whose answer was lost made it if its id was not known before.
    """
    if operation.target_id:
        return report.deployment_id == operation.target_id
    is_sent_create = operation.facts.makes_new and operation.sent_at is not None
    return is_sent_create and report.deployment_id not in operation.known_ids


def describe_observation(operation: Operation, observation: Observation) -> str:
    """Return in one sentence, for a person, what Roboflow answered. Pure."""
    if observation.error:
        return f"Roboflow could not be asked: {observation.error}"
    report = observation.report
    if report is None:
        return "Roboflow has no deployment with this name."
    if operation.target_id and report.deployment_id != operation.target_id:
        return "The name now belongs to another deployment."
    if not is_about_operation(operation, report):
        return "Roboflow has only an older deployment with this name."
    return f"Roboflow reports it as {report.status}."


def look_at_operation(operation_id: UUID) -> None:
    """Find out once what became of an accepted or unknown operation, if that is due, and store what follows.

    An accepted one settles from the list; `/get` is asked only while no list that is new enough could be
    read.
    """
    operation, current_time = load_operation(operation_id), clock()
    if operation is None or operation.state not in (State.ACCEPTED, State.UNKNOWN):
        return
    if not take_look_turn(operation, now=current_time):
        return
    if operation.state == State.ACCEPTED and has_newer_list(operation):
        wait_for_list(operation, now=current_time)
        return
    add_known_ids(operation)
    observation = fetch_observation(operation, background=True)
    current_time = clock()
    verdict = decide(
        operation,
        observation,
        is_window_over=is_window_over(operation, now=current_time),
        may_resend=may_resend(operation, now=current_time),
    )
    if verdict.resend:
        publish("operations.run", operation.pk, operation.fence)
        schedule_look(operation, seconds=settings.SWEEP_SECONDS, now=current_time)
    elif verdict.to:
        store_verdict(operation, verdict.to, verdict.message, observation, now=current_time)
    elif observation.is_paused:
        wait_for_answers(operation, verdict, now=current_time)
    else:
        schedule_next_look(operation, verdict, now=current_time)


def take_look_turn(operation: Operation, *, now: datetime) -> bool:
    """Book the look by compare-and-set, if one is due; return whether it is ours.

    So there is one chain of looks for each operation, however often a message is delivered. A time further
    ahead than we ever set one was stored before the clock was set back, and counts as due.
    """
    due_at = operation.next_look_at
    if due_at is not None and now + EARLY < due_at < now + LONGEST_WAIT:
        return False
    unmoved = Operation.objects.filter(pk=operation.pk, state=operation.state, next_look_at=due_at)
    return bool(unmoved.update(next_look_at=now + timedelta(seconds=LOOK_SECONDS)))


def wait_for_list(operation: Operation, *, now: datetime) -> None:
    """Settle an accepted operation from the list; when the confirm window is over, it needs attention."""
    if settle_operation(operation, now=now):
        return
    if is_window_over(operation, now=now):
        row = current_row(operation)
        reported = f"Roboflow reports it as {row.status}." if row else "Roboflow does not report it."
        outcome = Outcome(message=f"{reported} {NOBODY_KNOWS}")
        transition(operation, State.NEEDS_ATTENTION, outcome=outcome, now=now)
        return
    wait = min(LIST_WAIT, window_of(operation)[1] - now)
    schedule_look(operation, seconds=wait.total_seconds(), now=now)


def window_of(operation: Operation) -> tuple[datetime, datetime]:
    """Return the confirm window, which begins with the first claim: its start and its end."""
    start = operation.claimed_at or operation.requested_at
    return start, start + timedelta(seconds=settings.OPERATION_CONFIRM_SECONDS)


def is_window_over(operation: Operation, *, now: datetime) -> bool:
    """Return whether the confirm window has ended.

    A start that lies ahead was stored before the clock was set back, and counts as over.
    """
    start, end = window_of(operation)
    return not start - MAX_CLOCK_SKEW <= now < end


def may_resend(operation: Operation, *, now: datetime) -> bool:
    """Return whether the last call is GRACE_SECONDS old and fewer than MAX_RESENDS were repeated."""
    last = operation.sent_at or operation.claimed_at
    is_quiet = last is not None and now - last > timedelta(seconds=GRACE_SECONDS)
    return operation.fence <= MAX_RESENDS and is_quiet


def fetch_observation(operation: Operation, *, background: bool = False) -> Observation:
    """Ask `/get` with the actor's key or, because reading is not acting, with another member's that works.

    With `background` nobody waits for the answer, so nothing is asked while reading is paused.
    """
    own = [operation.key] if operation.key and operation.key.works else []
    keys: list[ApiKey] = [*own, *(key for key in reader_keys(operation.workspace) if key not in own)]
    why = "no member has a key that works."

    def get(client: Client, secret: Secret) -> DeploymentReport:
        return client.get_deployment(
            secret,
            operation.target_name,
            attempts=1,
            deadline_seconds=LOOK_SECONDS - KEY_OPENING_SECONDS,
        )

    for key in keys:
        try:
            return Observation(call_with_key(key, get, now=clock(), background=background))
        except NotFound:
            return Observation(is_absent=True)
        except ReadingPaused as paused:
            return Observation(error=paused.reading, is_paused=True)
        except (KeyRefused, KeyUnreadable) as error:
            why = str(error)  # the next key may work
        except RoboflowError as error:
            return Observation(error=error.reading)
    return Observation(error=why)


def store_verdict(
    operation: Operation, to: State, message: str, observation: Observation, *, now: datetime
) -> None:
    """Move the operation to its end, and store the report that proves it in the fleet."""
    report = observation.report
    is_ours = report is not None and is_about_operation(operation, report)
    target_id = store_answer(operation, report if is_ours else None, now=now)
    transition(operation, to, outcome=Outcome(message=message, target_id=target_id), now=now)


def wait_for_answers(operation: Operation, verdict: Verdict, *, now: datetime) -> None:
    """Store why the look asked nothing, and schedule the next one; the sweep publishes it."""
    Operation.objects.filter(pk=operation.pk, state=operation.state).update(message=verdict.message)
    schedule_look(operation, seconds=PAUSED_SECONDS, now=now)


def schedule_next_look(operation: Operation, verdict: Verdict, *, now: datetime) -> None:
    """Store the verdict's message and schedule the next look: after 1 s at first, then 3 s, then 10 s."""
    since = operation.accepted_at or operation.sent_at or operation.claimed_at or now
    waited = (now - since).total_seconds()
    seconds = 1.0 if waited < 5 else 3.0 if waited < 30 else 10.0
    Operation.objects.filter(pk=operation.pk, state=operation.state).update(message=verdict.message)
    schedule_look(operation, seconds=seconds, now=now)
    publish("operations.look", operation.pk, after_seconds=seconds)
