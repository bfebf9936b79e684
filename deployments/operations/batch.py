"""One change for several deployments: plan what to do and what to skip, then request one operation each."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction

from deployments.fleet.models import Deployment
from deployments.keys.models import ApiKey
from deployments.ledger.kinds import ENDED_STATUSES, Kind, why_impossible
from deployments.ledger.models import Operation
from deployments.operations.request import ChangeRequest, request_operations
from portal.audit.origin import Origin


@dataclass(frozen=True)
class Skipped:
    """A deployment that a batch leaves unchanged; `why` is the end of a sentence ("is paused already")."""

    deployment: Deployment
    why: str


@dataclass(frozen=True)
class BatchPlan:
    """The deployments that a batch of `kind` changes, and those that it skips."""

    kind: Kind
    todo: list[Deployment]
    skipped: list[Skipped]


def plan_batch(kind: Kind, deployments: Iterable[Deployment]) -> BatchPlan:
    """Return the plan for a batch: each of the deployments is either to do or skipped, in the given order."""
    chosen = list(deployments)
    busy = busy_ids(chosen)
    plan = BatchPlan(kind, [], [])
    for deployment in chosen:
        why = why_skipped(kind, deployment, is_busy=deployment.deployment_id in busy)
        if why:
            plan.skipped.append(Skipped(deployment, why))
        else:
            plan.todo.append(deployment)
    return plan


def busy_ids(deployments: list[Deployment]) -> set[str]:
    """Return the ids of those deployments that have an open operation."""
    ids = [deployment.deployment_id for deployment in deployments]
    workspaces = {deployment.workspace_id for deployment in deployments}
    running = Operation.objects.open().filter(workspace__in=workspaces, target_id__in=ids)
    return set(running.values_list("target_id", flat=True))


def why_skipped(kind: Kind, deployment: Deployment, *, is_busy: bool) -> str:
    """Return why `kind` is not possible now, to be read after the deployment's name, or "" if it is."""
    if deployment.is_over:
        return why_over(deployment)
    if is_busy:
        return "has another operation that has not ended"
    return why_impossible(kind, deployment.status)


def why_over(deployment: Deployment) -> str:
    """Return how a deployment that is over ended, to be read after its name."""
    return f"is {deployment.status}" if deployment.status in ENDED_STATUSES else "is gone"


@transaction.atomic(durable=True)
def request_batch(
    plan: BatchPlan, *, key: ApiKey, reason: str, form_token: UUID, by: Origin, now: datetime
) -> list[Operation]:
    """Create an operation for each deployment to do, and return them. `form_token` is the id of the batch.

    A repeated `form_token` returns the operations of the first post. Raises Refused when the key was removed.
    """
    requests = [
        ChangeRequest(
            kind=plan.kind,
            workspace=deployment.workspace,
            name=deployment.deployment_name,
            target_id=deployment.deployment_id,
            reason=reason,
            batch=form_token,
        )
        for deployment in plan.todo
    ]
    return request_operations(requests, key=key, form_token=form_token, by=by, now=now)
