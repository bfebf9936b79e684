"""What became of an operation, in words for people. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from deployments.ledger.kinds import PENDING, READY, KindFacts
from deployments.ledger.models import Batch, Operation
from deployments.ledger.states import OPEN_STATES, UNSUCCESSFUL_STATES, State

LOOKS = {  # state to the CSS class of its colour
    State.SUCCEEDED: "ready",
    State.FAILED: "failed",
    State.UNKNOWN: "unknown",
    State.NEEDS_ATTENTION: "failed",
    State.CANCELLED: "deleted",
}


@dataclass(frozen=True)
class Result:
    """An operation or a batch that has ended, and the sentence that tells it."""

    subject: Operation | Batch
    text: str
    look: str
    at: datetime

    @property
    def id(self) -> str:
        """What a browser compares, so that it announces each new sentence once."""
        return f"{self.subject.pk}-{self.look}"

    @property
    def operation(self) -> Operation | None:
        """The operation, unless it is a batch."""
        return self.subject if isinstance(self.subject, Operation) else None

    @property
    def is_unsuccessful(self) -> bool:
        """Whether it is an operation at which somebody should look."""
        operation = self.operation
        if operation is None or operation.dismissed_at or operation.resolved_at:
            return False
        return operation.state in (State.FAILED, State.NEEDS_ATTENTION)


def results_of(operations: Iterable[Operation], *, statuses: Mapping[str, str]) -> list[Result]:
    """Return the results of ended operations. `statuses` has what Roboflow reports by deployment_id."""
    return [result_of(operation, statuses.get(operation.target_id, "")) for operation in operations]


def result_of(operation: Operation, status: str) -> Result:
    """Return the result of one ended operation, whose deployment is reported with `status`.

    A create or a resume is told as done when the deployment is ready, not when Roboflow took the order.
    """
    told, at = told_state(operation, status), operation.ended_at or operation.requested_at
    if operation.state != State.SUCCEEDED:
        text = f"{told.text}: {operation.target_name}"
    else:
        text = f"{operation.facts.past.capitalize()} {operation.target_name}"
        text += (
            f": {_('it is starting')}"
            if told.is_starting
            else f": {_('it is ready')}"
            if told.is_ready
            else ""
        )
    return Result(operation, text, told.look, at)


def result_of_batch(batch: Batch, counts: Mapping[str, int], ended_at: datetime) -> Result:
    """Return the result of a batch that has ended, with the numbers of its operations by state."""
    sums = batch_text(batch.facts, counts, len(batch.skipped))
    text = _("%(kind)s several: %(sums)s") % {"kind": batch.facts.label, "sums": sums}
    unsuccessful = any(counts.get(state) for state in UNSUCCESSFUL_STATES)
    return Result(batch, text, "failed" if unsuccessful else "ready", ended_at)


@dataclass(frozen=True)
class ToldState:
    """What a page tells of an operation in two or three words, and the CSS class of its colour."""

    text: str
    look: str
    is_starting: bool = False  # Roboflow took the order, and the deployment is not ready yet
    is_ready: bool = False  # it was to become ready, and it did
    is_awaited: bool = False  # it is to become ready, and may still do so

    @property
    def is_marked(self) -> bool:
        """Whether a list says it: success needs no word."""
        return self.is_starting or self.look != "ready"


def told_state(operation: Operation, status: str) -> ToldState:
    """Return what to tell of an operation, whose deployment is reported with `status`."""
    facts, state = operation.facts, State(operation.state)
    starts = facts.asked_status == READY
    is_awaited = starts and operation.is_open
    if operation.is_open and state != State.UNKNOWN:
        return ToldState(f"{facts.progressive.capitalize()}...", "pending", is_awaited=is_awaited)
    if state != State.SUCCEEDED:
        return ToldState(unsuccessful_text(operation), LOOKS[state], is_awaited=is_awaited)
    if starts and status == PENDING:
        return ToldState(_("Starting"), "pending", is_starting=True, is_awaited=True)
    if starts and status == READY:
        return ToldState(_("Ready"), "ready", is_ready=True)
    return ToldState(facts.past.capitalize(), "ready")


def unsuccessful_text(operation: Operation) -> str:
    """Return "Pause failed", "Pause not confirmed" or the like, for an operation that did not succeed."""
    words = {
        State.FAILED: _("%(kind)s failed"),
        State.NEEDS_ATTENTION: _("%(kind)s not confirmed"),
        State.UNKNOWN: _("%(kind)s not known yet"),
        State.CANCELLED: _("%(kind)s cancelled"),
    }
    return words[State(operation.state)] % {"kind": operation.facts.label}


def operation_sentence(operation: Operation) -> str:
    """Return what follows the name of the person who asked for an operation, such as "paused it"."""
    facts = operation.facts
    if operation.is_open and operation.state != State.UNKNOWN:
        return _("asked to %(verb)s it") % {"verb": facts.verb}
    sentences = {
        State.SUCCEEDED: _("%(past)s it"),
        State.FAILED: _("asked to %(verb)s it, and that failed"),
        State.UNKNOWN: _("asked to %(verb)s it, and it is not known yet whether that was done"),
        State.NEEDS_ATTENTION: _("asked to %(verb)s it, and nobody knows whether that was done"),
        State.CANCELLED: _("asked to %(verb)s it, and cancelled that"),
    }
    return sentences[State(operation.state)] % {"verb": facts.verb, "past": facts.past}


def batch_text(facts: KindFacts, counts: Mapping[str, int], skipped: int) -> str:
    """Return the sums of a batch: "12 paused, 1 failed, 2 skipped - 3 running".

    `counts` are the numbers of its operations by state.
    """
    running = sum(counts.get(state, 0) for state in OPEN_STATES)
    parts = [
        (counts.get(State.SUCCEEDED, 0), facts.past),
        (counts.get(State.FAILED, 0), _("failed")),
        (counts.get(State.NEEDS_ATTENTION, 0), _("not confirmed")),
        (counts.get(State.CANCELLED, 0), _("cancelled")),
        (skipped, _("skipped")),
    ]
    told = ", ".join(f"{count} {word}" for count, word in parts if count)
    if running:
        still = _("%(count)s running") % {"count": running}
        return f"{told} - {still}" if told else still
    return told or _("Nothing was done")
