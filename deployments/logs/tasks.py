"""Work of the logs room."""

from celery import shared_task
from django.utils.timezone import now

from deployments.logs import harvest


@shared_task(name="logs.harvest_wanted")
def harvest_wanted() -> None:
    """Publish a harvest for each log that somebody looks at."""
    harvest.publish_wanted_harvests(now=now())


@shared_task(name="logs.harvest")
def harvest_one(deployment_pk: str) -> None:
    """Read one deployment's log."""
    harvest.harvest_deployment(int(deployment_pk))
