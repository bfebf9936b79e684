"""Tasks of the fleet room, which beat and other rooms publish by name."""

from celery import shared_task

from deployments.fleet import machines, retention, sync
from portal.clock import now


@shared_task(name="fleet.sync")
def sync_workspace(workspace_id: str) -> None:
    """Sync one workspace; once a day, also ask for the machine types that it can use."""
    sync.sync_workspace(int(workspace_id))
    machines.read_machine_types_if_due(int(workspace_id), now=now())


@shared_task(name="fleet.remove_old")
def remove_old_history() -> None:
    """Remove what is older than HISTORY_RETENTION_DAYS."""
    retention.remove_old_history(now=now())
