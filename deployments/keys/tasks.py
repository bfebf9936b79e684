"""Periodic work of the keys room."""

from celery import shared_task

from deployments.keys.models import ApiKey
from deployments.keys.recheck import recheck_due_keys
from portal.clock import now
from portal.queue.lease import holding_lease


@shared_task(name="keys.recheck_due")
def recheck_due() -> None:
    """Check the keys that are in doubt or unchecked and due, unless another worker is doing it."""
    if not ApiKey.objects.due_for_check(now()).exists():
        return  # mostly: a lease would be the only thing that this task writes
    with holding_lease("keys.recheck", now=now()) as held:
        if held:
            recheck_due_keys(now=now())
