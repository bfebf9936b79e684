"""Celery tasks of the operations room. They are published by name and carry ids only."""

from uuid import UUID

from celery import shared_task
from django.utils.timezone import now

from deployments.operations import reconcile, resolve, run, sweep
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
def check_operation_again(operation_id: str, user_id: str) -> None:
    """Check for a person what became of an operation that needs attention."""
    resolve.check_operation_for(UUID(operation_id), user_id=int(user_id), now=now())
