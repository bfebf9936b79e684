"""Find what fell between: never claimed, lost while sending, or waiting for a look that nobody took."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q

from deployments.operations.claim import mark_lost
from deployments.operations.models import Operation
from deployments.operations.resolve import resolve_from_fleet
from deployments.operations.states import State
from portal.queue.publish import publish

UNCLAIMED = timedelta(seconds=2)
LONGEST_WAIT = timedelta(minutes=1)  # between two looks
MAX_PER_SWEEP = 500  # in one sweep; the next one comes soon


@dataclass(frozen=True)
class SweepCounts:
    """How much a sweep found."""

    published: int
    lost: int
    looked: int
    resolved: int


def sweep_operations(*, now: datetime) -> SweepCounts:
    """Re-publish, reconcile and resolve; harmless when two run at once."""
    unclaimed = Q(requested_at__lt=now - UNCLAIMED) | Q(requested_at__gt=now + LONGEST_WAIT)
    queued = Operation.objects.filter(unclaimed, state=State.QUEUED).order_by("requested_at")
    published = sum(
        publish("operations.run", pk) for pk in queued.values_list("pk", flat=True)[:MAX_PER_SWEEP]
    )
    lost_lease = Q(lease_until__lt=now) | Q(
        lease_until__gt=now + timedelta(seconds=settings.OPERATION_LEASE_SECONDS)
    )
    dead = Operation.objects.filter(lost_lease, state=State.SENDING).select_related("workspace")
    found = sum(mark_lost(one, now=now) for one in dead[:MAX_PER_SWEEP])
    # Without a time, or with one further ahead than we ever set one: the clock was set back.
    due = Q(next_look_at=None) | Q(next_look_at__lte=now) | Q(next_look_at__gt=now + LONGEST_WAIT)
    waiting = Operation.objects.filter(due, state__in=(State.ACCEPTED, State.UNKNOWN))
    looked = sum(
        publish("operations.look", pk) for pk in waiting.values_list("pk", flat=True)[:MAX_PER_SWEEP]
    )
    return SweepCounts(published, found, looked, resolve_from_fleet(now=now))
