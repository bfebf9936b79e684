"""One change for several deployments: plan what to do and what to skip, then request one operation each."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from deployments.fleet.models import Deployment
from deployments.keys.models import ApiKey
from deployments.ledger.kinds import ENDED_STATUSES, Kind, why_impossible
from deployments.ledger.models import Batch, Operation
from deployments.operations.request import ChangeRequest, request_operations
from portal.audit.origin import Origin
from portal.web.masking import Masker

LONGEST_QUERY = 2000  # characters of a fleet page's filters that are remembered


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
        return _("has another operation that has not ended")
    return why_impossible(kind, deployment.status)


def why_over(deployment: Deployment) -> str:
    """Return how a deployment that is over ended, to be read after its name."""
    return (
        _("is %(status)s") % {"status": deployment.status}
        if deployment.status in ENDED_STATUSES
        else _("is gone")
    )


@transaction.atomic(durable=True)
def request_batch(
    plan: BatchPlan,
    *,
    key: ApiKey,
    reason: str,
    form_token: UUID,
    by: Origin,
    now: datetime,
    query: str = "",
) -> Batch:
    """Create an operation for each deployment to do, and return their batch.

    `query` is the query string of the fleet page that it came from. A repeated `form_token` returns the batch
    of the first post. Raises Refused when the key was removed.
    """
    assert key.workspace is not None  # a key without one is unchecked, and cannot act
    batch, _ = Batch.objects.get_or_create(
        actor_id=by.actor_id,
        form_token=form_token,
        defaults={
            "workspace": key.workspace,
            "kind": plan.kind,
            "actor_name": by.actor_name,
            "reason": Masker().mask(reason),
            "skipped": [
                [one.deployment.deployment_id, one.deployment.deployment_name, one.why]
                for one in plan.skipped
            ],
            "query": query[:LONGEST_QUERY],
            "requested_at": now,
        },
    )
    requests = [
        ChangeRequest(
            kind=plan.kind,
            workspace=deployment.workspace,
            name=deployment.deployment_name,
            target_id=deployment.deployment_id,
            reason=reason,
            batch=batch,
        )
        for deployment in plan.todo
    ]
    request_operations(requests, key=key, form_token=form_token, by=by, now=now)
    return batch
