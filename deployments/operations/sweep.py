"""Find operations that were never claimed, lost while sending, or wait for a look that nobody took."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q

from deployments.ledger.models import Operation
from deployments.ledger.states import State
from deployments.ledger.transitions import mark_lost
from deployments.operations.resolve import resolve_from_fleet
from portal.queue.publish import publish

UNCLAIMED_AFTER = timedelta(seconds=2)
LONGEST_WAIT = timedelta(minutes=1)  # between two looks
MAX_PER_SWEEP = 500  # the next sweep comes soon


@dataclass(frozen=True)
class SweepCounts:
    """How many operations a sweep published, marked as lost, had looked at, and resolved."""

    published: int
    lost: int
    looked: int
    resolved: int


def sweep_operations(*, now: datetime) -> SweepCounts:
    """Publish, reconcile and resolve what was forgotten; harmless when two sweeps run at once.

    A time that is further ahead than we ever set one was stored before the clock was set back, and counts as due.
    """
    is_unclaimed = Q(requested_at__lt=now - UNCLAIMED_AFTER) | Q(requested_at__gt=now + LONGEST_WAIT)
    queued = Operation.objects.filter(is_unclaimed, state=State.QUEUED).order_by("requested_at")
    published = sum(
        publish("operations.run", pk) for pk in queued.values_list("pk", flat=True)[:MAX_PER_SWEEP]
    )
    longest_lease = timedelta(seconds=settings.OPERATION_LEASE_SECONDS)
    has_lost_lease = Q(lease_until__lt=now) | Q(lease_until__gt=now + longest_lease)
    dead = Operation.objects.filter(has_lost_lease, state=State.SENDING).select_related("workspace")
    lost = sum(mark_lost(one, now=now) for one in dead[:MAX_PER_SWEEP])
    is_due = Q(next_look_at=None) | Q(next_look_at__lte=now) | Q(next_look_at__gt=now + LONGEST_WAIT)
    waiting = Operation.objects.filter(is_due, state__in=(State.ACCEPTED, State.UNKNOWN))
    looked = sum(
        publish("operations.look", pk) for pk in waiting.values_list("pk", flat=True)[:MAX_PER_SWEEP]
    )
    return SweepCounts(published, lost, looked, resolve_from_fleet(now=now))
