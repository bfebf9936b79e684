"""Periodic work of the keys room."""

from celery import shared_task
from django.utils.timezone import now

from deployments.keys.recheck import recheck_unchecked
from portal.queue.lease import holding_lease


@shared_task(name="keys.recheck_unchecked")
def recheck_unchecked_task() -> None:
    """Check the keys that were saved unchecked, unless another worker is doing it."""
    with holding_lease("keys.recheck", now=now()) as held:
        if held:
            recheck_unchecked(now=now())
