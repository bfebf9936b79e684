"""Verifications of the trail that people ask for: stored first, performed by a worker."""

from datetime import datetime

from portal.audit.models import VerificationRequest
from portal.audit.origin import Origin
from portal.audit.verify import verify_for_person
from portal.queue.publish import publish


def request_verification(*, by: Origin, now: datetime) -> bool:
    """Store that a person wants the trail verified; return whether a worker was asked at once.

    Without a broker, the next beat that reaches a worker finds the request.
    """
    VerificationRequest.objects.create(requested_at=now, actor_id=by.actor_id or 0, actor_name=by.actor_name)
    return publish("audit.verify_requested")


def perform_requested_verifications() -> int:
    """Verify the trail once if anybody asked for it; return how many requests that answered."""
    requests = list(VerificationRequest.objects.order_by("pk"))
    if not requests:
        return 0
    first = requests[0]
    verify_for_person(Origin(actor_id=first.actor_id, actor_name=first.actor_name))
    done = [request.pk for request in requests]
    VerificationRequest.objects.filter(pk__in=done).delete()
    return len(done)
