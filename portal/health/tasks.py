"""The heartbeat, and the broom."""

from celery import shared_task
from django.utils.timezone import now

from portal.health import beat, tidy


@shared_task(name="health.beat")
def heartbeat() -> None:
    """That this runs shows two things: beat sent it, a worker took it."""
    beat.record_heartbeats(["worker", "beat"], now=now())


@shared_task(name="health.tidy")
def tidy_up() -> None:
    """Remove what nobody needs any more."""
    tidy.delete_expired_rows(now=now())
