"""What became of an operation, in words for people. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from deployments.ledger.kinds import PENDING, READY
from deployments.ledger.models import Operation
from deployments.ledger.states import State

LOOKS = {  # state to the CSS class of its colour
    State.SUCCEEDED: "ready",
    State.FAILED: "failed",
    State.UNKNOWN: "paused",
    State.NEEDS_ATTENTION: "failed",
    State.CANCELLED: "deleted",
}


@dataclass(frozen=True)
class Result:
    """An operation that has ended, and the sentence that tells it."""

    operation: Operation
    text: str
    look: str

    @property
    def id(self) -> str:
        """What a browser compares, so that it announces each new sentence once."""
        return f"{self.operation.pk}-{self.look}"

    @property
    def is_unsuccessful(self) -> bool:
        """Whether somebody should look at it."""
        unsuccessful = self.operation.state in (State.FAILED, State.NEEDS_ATTENTION)
        return unsuccessful and not (self.operation.dismissed_at or self.operation.resolved_at)


def results_of(operations: Iterable[Operation], *, statuses: Mapping[str, str]) -> list[Result]:
    """Return the results of ended operations. `statuses` has what Roboflow reports by deployment_id."""
    return [result_of(operation, statuses.get(operation.target_id, "")) for operation in operations]


def result_of(operation: Operation, status: str) -> Result:
    """Return the result of one ended operation, whose deployment is reported with `status`.

    A create or a resume is told as done when the deployment is ready, not when Roboflow took the order.
    """
    facts, name = operation.facts, operation.target_name
    done = f"{facts.past.capitalize()} {name}"
    if operation.state != State.SUCCEEDED:
        return Result(operation, f"{unsuccessful_text(operation)}: {name}", LOOKS[State(operation.state)])
    if facts.asked_status == READY and status == PENDING:
        return Result(operation, f"{done}: it is starting", "pending")
    if facts.asked_status == READY and status == READY:
        return Result(operation, f"{done}: it is ready", "ready")
    return Result(operation, done, "ready")


def unsuccessful_text(operation: Operation) -> str:
    """Return "Pause failed", "Pause not confirmed" or the like, for an operation that did not succeed."""
    words = {
        State.FAILED: "failed",
        State.NEEDS_ATTENTION: "not confirmed",
        State.UNKNOWN: "not known yet",
        State.CANCELLED: "cancelled",
    }
    return f"{operation.facts.label} {words[State(operation.state)]}"


def operation_sentence(operation: Operation) -> str:
    """Return what follows the name of the person who asked for an operation, such as "paused it"."""
    facts = operation.facts
    if operation.is_open and operation.state != State.UNKNOWN:
        return f"asked to {operation.kind} it"
    endings = {
        State.SUCCEEDED: f"{facts.past} it",
        State.FAILED: f"asked to {operation.kind} it, and that failed",
        State.UNKNOWN: f"asked to {operation.kind} it, and it is not known yet whether that was done",
        State.NEEDS_ATTENTION: f"asked to {operation.kind} it, and nobody knows whether that was done",
        State.CANCELLED: f"asked to {operation.kind} it, and cancelled that",
    }
    return endings[State(operation.state)]
