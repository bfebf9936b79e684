"""The states of an operation and the steps between them. Pure.

    queued ----> sending ----> accepted ----> succeeded
      |            |  ^  \\         |  \\------> failed
      |            |  |   v         v
      |            |  +- unknown -> needs attention
      |            v       |
      +-> failed <---------+
      +-> cancelled

A create never goes from unknown back to sending: it is never sent twice. Needs attention is an end; what is
learnt later resolves it without changing it.
"""

from django.db import models


class Kind(models.TextChoices):
    """What an operation asks of Roboflow; each is one endpoint."""

    CREATE = "create", "Create"
    PAUSE = "pause", "Pause"
    RESUME = "resume", "Resume"
    DELETE = "delete", "Delete"


class State(models.TextChoices):
    """How far an operation is. Succeeded: it happened. Failed: it did not. Unknown: it may have."""

    QUEUED = "queued", "queued"
    SENDING = "sending", "sending"
    ACCEPTED = "accepted", "accepted"
    UNKNOWN = "unknown", "unknown"
    SUCCEEDED = "succeeded", "succeeded"
    FAILED = "failed", "failed"
    CANCELLED = "cancelled", "cancelled"
    NEEDS_ATTENTION = "needs_attention", "needs attention"


OPEN_STATES = (State.QUEUED, State.SENDING, State.ACCEPTED, State.UNKNOWN)
ENDED_STATES = (State.SUCCEEDED, State.FAILED, State.CANCELLED, State.NEEDS_ATTENTION)
STEPS: dict[State, tuple[State, ...]] = {
    State.QUEUED: (State.SENDING, State.FAILED, State.CANCELLED),
    State.SENDING: (State.ACCEPTED, State.FAILED, State.UNKNOWN),
    State.ACCEPTED: (State.SUCCEEDED, State.FAILED, State.NEEDS_ATTENTION),
    State.UNKNOWN: (State.SENDING, State.SUCCEEDED, State.FAILED, State.NEEDS_ATTENTION),
}
AGREED: dict[Kind, frozenset[str]] = {  # what Roboflow reports when it has done what was asked
    Kind.PAUSE: frozenset({"paused"}),
    Kind.RESUME: frozenset({"pending", "ready"}),
    Kind.DELETE: frozenset({"deleted"}),
}


def is_allowed(kind: str, before: str, after: str) -> bool:
    """Say whether an operation may go from `before` to `after`."""
    if kind == Kind.CREATE and before == State.UNKNOWN and after == State.SENDING:
        return False
    return State(after) in STEPS.get(State(before), ())


def agrees(kind: str, status: str) -> bool:
    """Say whether a deployment reported with `status` shows that the operation was done."""
    if kind == Kind.CREATE:
        return status != "failed"
    return status in AGREED[Kind(kind)]
