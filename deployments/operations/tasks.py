"""Celery tasks of the operations room. They are published by name and carry ids only."""

from uuid import UUID

from celery import shared_task

from deployments.ledger import retention
from deployments.operations import reconcile, resolve, run, settle, sweep
from portal.clock import now
from portal.queue.lease import holding_lease


@shared_task(name="operations.run")
def run_operation(operation_id: str, again: str | None = None) -> None:
    """Claim and send one operation; `again` is the fence of an unknown one that may be sent again."""
    run.run_operation(UUID(operation_id), now=now(), again=int(again) if again else None)


@shared_task(name="operations.look")
def look_at_operation(operation_id: str) -> None:
    """Reconcile one accepted or unknown operation."""
    reconcile.look_at_operation(UUID(operation_id))


@shared_task(name="operations.sweep")
def sweep_operations() -> None:
    """Sweep, unless another sweep is running."""
    with holding_lease("operations.sweep", now=now()) as held:
        if held:
            sweep.sweep_operations(now=now())


@shared_task(name="operations.check_again")
def check_operation_again(operation_id: str) -> None:
    """Check for a person what became of an operation that needs attention."""
    resolve.perform_check(UUID(operation_id), now=now())


@shared_task(name="operations.run_batch")
def run_batch(batch_id: str) -> None:
    """Publish every queued operation of a batch: the web published only this."""
    run.publish_batch(UUID(batch_id))


@shared_task(name="operations.settle")
def settle_workspace(workspace_id: str) -> None:
    """End the accepted operations of a workspace that its list shows as done."""
    settle.settle_workspace(int(workspace_id), now=now())


@shared_task(name="operations.remove_old")
def remove_old_operations() -> None:
    """Remove operations that ended longer ago than HISTORY_RETENTION_DAYS."""
    retention.remove_old_operations(now=now())
