"""Celery tasks of the logs room. They are published by name and carry ids only."""

from celery import shared_task

from deployments.fleet import sync
from deployments.logs import due, harvest, retention
from deployments.workspaces.models import Workspace
from portal.clock import now
from portal.queue.pace import note_under_way


@shared_task(name="logs.read_due")
def read_due() -> None:
    """Publish a sync for each workspace and a harvest for each log that is due.

    One task for both, as it runs every second while something is under way.
    """
    sync.publish_due_syncs(now=now())
    due.publish_due_harvests(now=now())
    if Workspace.objects.under_way(now()).exists():
        note_under_way()


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
