"""Verifications of the trail that people ask for: stored first, performed by a worker."""

from datetime import datetime

import structlog
from django.db import transaction

from portal.audit.actions import Action
from portal.audit.append import Subject, append_event
from portal.audit.keep_witness import contradiction_with_kept
from portal.audit.models import VerificationRequest
from portal.audit.origin import Origin
from portal.audit.verify import Finding, store_verification, verify_trail
from portal.clock import now as clock
from portal.queue.publish import publish

log = structlog.get_logger(__name__)


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


def verify_for_person(by: Origin) -> None:
    """Verify the whole trail for a person, store the result for the integrity card and append an event.

    If the verification itself fails, that is the result: an earlier "intact" must not stay.
    """
    try:
        finding = verify_trail()
        finding = (contradiction_with_kept() if finding.ok else None) or finding
    except Exception as error:
        log.exception("trail_not_verified")
        finding = Finding(False, 0, f"The trail could not be verified ({type(error).__name__}).")
    now = clock()
    with transaction.atomic(durable=True):
        store_verification(finding, by=by.actor_name, now=now)
        append_event(
            Action.TRAIL_VERIFIED,
            by=by,
            at=now,
            about=Subject(type="trail", name="trail"),
            changes={"result": (None, finding.message or "intact")},
        )
