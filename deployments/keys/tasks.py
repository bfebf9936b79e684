"""Periodic work of the keys room."""

from celery import shared_task
from django.utils.timezone import now

from deployments.keys.check import recheck_unchecked
from portal.queue.lease import holding_lease


@shared_task(name="keys.recheck_unchecked")
def recheck_unchecked_task() -> None:
    """Try the keys that nobody could check yet."""
    with holding_lease("keys.recheck", now=now()) as held:
        if held:
            recheck_unchecked(now=now())
