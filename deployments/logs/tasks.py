"""Celery tasks of the logs room. They are published by name and carry ids only."""

from celery import shared_task

from deployments.logs import due, harvest, retention
from portal.clock import now


@shared_task(name="logs.harvest_due")
def harvest_due() -> None:
    """Publish a harvest for each log that is due."""
    due.publish_due_harvests(now=now())


@shared_task(name="logs.begin")
def begin() -> None:
    """Make the logs of new and resumed deployments due."""
    due.begin_harvests(now=now())


@shared_task(name="logs.harvest")
def harvest_one(deployment_pk: str) -> None:
    """Read the log of one deployment."""
    harvest.harvest_deployment(int(deployment_pk))


@shared_task(name="logs.remove_old")
def remove_old() -> None:
    """Remove the lines that are too old or too many."""
    retention.remove_old_lines(now=now())
