"""The states of an operation and the transitions between them. Pure.

    queued ----> sending ----> accepted ----> succeeded
      |            |  ^  \\         |  \\------> failed
      |            |  |   v         v
      |            |  +- unknown -> needs attention
      |            v       |
      +-> failed <---------+
      +-> cancelled

Unknown leads to succeeded, too. A kind that must not be sent twice (create) never goes from unknown back to
sending. Needs attention is an end: what is learnt later resolves the operation without changing its state.
"""

from django.db import models
from django.utils.translation import gettext_lazy as _

from deployments.ledger.kinds import Kind


class State(models.TextChoices):
    """How far an operation is.

    - Accepted: Roboflow took the call, but does not yet report the effect.
    - Unknown: the call may have reached Roboflow; workers are finding out.
    - Succeeded and failed: it is known to have happened, or not to have happened.
    - Needs attention: the time to find out is over, and a person should check at Roboflow.
    """

    QUEUED = "queued", _("queued")
    SENDING = "sending", _("sending")
    ACCEPTED = "accepted", _("accepted")
    UNKNOWN = "unknown", _("unknown")
    SUCCEEDED = "succeeded", _("succeeded")
    FAILED = "failed", _("failed")
    CANCELLED = "cancelled", _("cancelled")
    NEEDS_ATTENTION = "needs_attention", _("needs attention")


OPEN_STATES = (State.QUEUED, State.SENDING, State.ACCEPTED, State.UNKNOWN)
ENDED_STATES = (State.SUCCEEDED, State.FAILED, State.CANCELLED, State.NEEDS_ATTENTION)
UNSUCCESSFUL_STATES = (
    State.FAILED,
    State.UNKNOWN,
    State.NEEDS_ATTENTION,
)  # shown until somebody deals with it
NOT_DONE_STATES = (State.FAILED, State.CANCELLED)  # Roboflow is known not to have done it
TRANSITIONS: dict[State, tuple[State, ...]] = {
    State.QUEUED: (State.SENDING, State.FAILED, State.CANCELLED),
    State.SENDING: (State.ACCEPTED, State.FAILED, State.UNKNOWN),
    State.ACCEPTED: (State.SUCCEEDED, State.FAILED, State.NEEDS_ATTENTION),
    State.UNKNOWN: (State.SENDING, State.SUCCEEDED, State.FAILED, State.NEEDS_ATTENTION),
}


def is_allowed(kind: str, before: str, after: str) -> bool:
    """Return whether an operation of `kind` may go from state `before` to state `after`."""
    if before == State.UNKNOWN and after == State.SENDING and not Kind(kind).facts.may_resend:
        return False
    return State(after) in TRANSITIONS.get(State(before), ())
