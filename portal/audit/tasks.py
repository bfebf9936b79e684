"""Tasks of the trail: sign its head, send a signed head to the servers that keep it, verify the trail."""

from celery import shared_task

from portal.audit import sign, verify_requests
from portal.audit.keep_witness import send_statement
from portal.audit.models import SignedHead
from portal.clock import now
from portal.queue.lease import holding_lease


@shared_task(name="audit.sign_head")
def sign_head() -> None:
    """Sign the head of the trail if the last signature is old enough."""
    sign.sign_when_due(now=now())


@shared_task(name="audit.send_statement")
def send_signed_head(pk: str) -> None:
    """Send one signed head to the servers that keep it."""
    send_statement(SignedHead.objects.get(pk=pk))


@shared_task(name="audit.verify_requested")
def verify_requested() -> None:
    """Verify the whole trail if somebody asked for it, unless another verification is running."""
    with holding_lease("audit.verify", now=now()) as held:
        if held:
            verify_requests.perform_requested_verifications()
