"""Find what fell between: never claimed, lost while sending, or waiting for a look that nobody took."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from deployments.operations.claim import lost
from deployments.operations.models import Operation
from deployments.operations.resolve import resolve_from_fleet
from deployments.operations.states import State
from portal.queue.publish import publish

UNCLAIMED = timedelta(seconds=2)
MANY = 500  # in one sweep; the next one comes soon


@dataclass(frozen=True)
class Swept:
    """How much a sweep found."""

    published: int
    lost: int
    looked: int
    resolved: int


def sweep(*, now: datetime) -> Swept:
    """Re-publish, reconcile and resolve; harmless when two run at once."""
    queued = Operation.objects.filter(state=State.QUEUED, requested_at__lt=now - UNCLAIMED).order_by("requested_at")
    published = sum(publish("operations.run", pk) for pk in queued.values_list("pk", flat=True)[:MANY])
    dead = Operation.objects.filter(state=State.SENDING, lease_until__lt=now).select_related("workspace")
    found = sum(lost(one, now=now) for one in dead[:MANY])
    waiting = Operation.objects.filter(state__in=(State.ACCEPTED, State.UNKNOWN), next_look_at__lte=now)
    looked = sum(publish("operations.look", pk) for pk in waiting.values_list("pk", flat=True)[:MANY])
    return Swept(published, found, looked, resolve_from_fleet(now=now))
