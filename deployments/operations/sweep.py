"""Find operations that no worker claimed, that lost their worker, or that are due for reconciling."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import F, Q

from deployments.ledger.models import Operation
from deployments.ledger.states import State
from deployments.ledger.transitions import mark_lost
from deployments.operations.reconcile import LONGEST_WAIT
from deployments.operations.resolve import resolve_from_fleet
from portal.queue.broker import queue_length
from portal.queue.publish import publish
from portal.queue.routes import ROUTES

UNCLAIMED_AFTER = timedelta(seconds=2)
MAX_PER_SWEEP = 500  # of each sort; the next sweep, seconds later, takes the rest
ROOM = 500  # a queue in which so many messages wait gets none again: those are in it


@dataclass(frozen=True)
class SweepCounts:
    """How many operations a sweep published, marked as lost, published for looks and checks, and resolved."""

    published: int
    lost: int
    looked: int
    checked: int
    resolved: int


def sweep_operations(*, now: datetime) -> SweepCounts:
    """Publish operations that wait for a worker, end lost claims and resolve what the fleet shows.

    Two sweeps at the same time do no harm: claims and looks are compare-and-set. A stored time that is
    further ahead than the portal ever sets one was written before the clock was set back, and counts as due.
    """
    return SweepCounts(
        published=publish_unclaimed(now=now),
        lost=end_lost_claims(now=now),
        looked=publish_due_looks(now=now),
        checked=publish_forgotten_checks(now=now),
        resolved=resolve_from_fleet(now=now),
    )


def publish_unclaimed(*, now: datetime) -> int:
    """Publish again the queued operations that no worker claimed within UNCLAIMED_AFTER; return how many."""
    is_unclaimed = Q(requested_at__lt=now - UNCLAIMED_AFTER) | Q(requested_at__gt=now + LONGEST_WAIT)
    queued = Operation.objects.filter(is_unclaimed, state=State.QUEUED).order_by("requested_at")
    ids = queued.values_list("pk", flat=True)[:MAX_PER_SWEEP]
    return publish_all("operations.run", ids)


def end_lost_claims(*, now: datetime) -> int:
    """End the claims whose lease has expired, because their worker was lost; return how many."""
    longest_lease = timedelta(seconds=settings.OPERATION_LEASE_SECONDS)
    is_expired = Q(lease_until__lt=now) | Q(lease_until__gt=now + longest_lease)
    lost = Operation.objects.filter(is_expired, state=State.SENDING).order_by("lease_until")
    lost = lost.select_related("workspace")
    return sum(mark_lost(operation, now=now) for operation in lost[:MAX_PER_SWEEP])


def publish_due_looks(*, now: datetime) -> int:
    """Publish a look at each accepted or unknown operation that is due for one; return how many."""
    is_due = Q(next_look_at=None) | Q(next_look_at__lte=now) | Q(next_look_at__gt=now + LONGEST_WAIT)
    waiting = Operation.objects.filter(is_due, state__in=(State.ACCEPTED, State.UNKNOWN))
    due = waiting.order_by(F("next_look_at").asc(nulls_first=True), "pk")
    ids = due.values_list("pk", flat=True)[:MAX_PER_SWEEP]
    return publish_all("operations.look", ids)


def publish_forgotten_checks(*, now: datetime) -> int:
    """Publish again the checks that a person asked for and no worker took; return how many."""
    forgotten = Q(check_requested_at__lt=now - UNCLAIMED_AFTER) | Q(check_requested_at__gt=now + LONGEST_WAIT)
    ids = Operation.objects.filter(forgotten).order_by("check_requested_at").values_list("pk", flat=True)
    return publish_all("operations.check_again", ids[:MAX_PER_SWEEP])


def publish_all(task: str, ids: Iterable[UUID]) -> int:
    """Publish `task` for each id; return how many. While its queue is full of messages, publish nothing.

    Without this, each sweep would repeat hundreds of messages while Roboflow is slow and workers are busy.
    """
    waiting = queue_length(ROUTES[task])
    if waiting is not None and waiting >= ROOM:
        return 0
    return sum(publish(task, operation_id) for operation_id in ids)
