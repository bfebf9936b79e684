"""The periodic work of the health room."""

from celery import shared_task

from portal.clock import now
from portal.health import tidy


@shared_task(name="health.tidy")
def tidy_up() -> None:
    """Delete rows that nobody needs any more."""
    tidy.delete_expired_rows(now=now())
