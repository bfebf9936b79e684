"""Celery tasks of the logs room. They are published by name and carry ids only."""

from celery import shared_task

from deployments.logs import harvest
from portal.clock import now


@shared_task(name="logs.harvest_wanted")
def harvest_wanted() -> None:
    """Publish a harvest for each log that somebody has open."""
    harvest.publish_wanted_harvests(now=now())


@shared_task(name="logs.harvest")
def harvest_one(deployment_pk: str) -> None:
    """Read the log of one deployment."""
    harvest.harvest_deployment(int(deployment_pk))
