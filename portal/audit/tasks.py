"""Tasks of the trail: sign its head, verify it."""

from celery import shared_task

from portal.audit import sign, verify_requests
from portal.clock import now
from portal.queue.lease import holding_lease


@shared_task(name="audit.sign_head")
def sign_head() -> None:
    """Sign the head of the trail if the last signature is old enough."""
    sign.sign_when_due(now=now())


@shared_task(name="audit.verify_requested")
def verify_requested() -> None:
    """Verify the whole trail if somebody asked for it, unless another verification is running."""
    with holding_lease("audit.verify", now=now()) as held:
        if held:
            verify_requests.perform_requested_verifications()
