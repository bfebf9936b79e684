"""One change for several deployments: what will be done, what is skipped and why; each is an operation of one batch."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction

from deployments.fleet.models import Deployment
from deployments.keys.models import ApiKey
from deployments.ledger.kinds import Kind, is_possible
from deployments.ledger.models import Operation
from deployments.operations.request import ChangeRequest, request_operations
from portal.audit.origin import Origin


@dataclass(frozen=True)
class Skipped:
    """A deployment that is left alone, and why."""

    deployment: Deployment
    why: str


@dataclass(frozen=True)
class BatchPlan:
    """What a batch will do."""

    kind: Kind
    todo: list[Deployment]
    skipped: list[Skipped]


def plan_batch(kind: Kind, deployments: Iterable[Deployment]) -> BatchPlan:
    """Sort deployments of one workspace into those to act on and those to skip."""
    chosen = list(deployments)
    busy = busy_ids(chosen)
    plan = BatchPlan(kind, [], [])
    for one in chosen:
        if why := why_impossible(kind, one, is_busy=one.deployment_id in busy):
            plan.skipped.append(Skipped(one, why))
        else:
            plan.todo.append(one)
    return plan


def busy_ids(deployments: list[Deployment]) -> set[str]:
    """Return the ids of those that an operation is under way on."""
    ids = [one.deployment_id for one in deployments]
    workspaces = {one.workspace_id for one in deployments}
    running = Operation.objects.open().filter(workspace__in=workspaces, target_id__in=ids)
    return set(running.values_list("target_id", flat=True))


def why_impossible(kind: Kind, one: Deployment, *, is_busy: bool) -> str:
    """Return why a change makes no sense for a deployment now, as the end of a sentence; "" when it does."""
    if one.is_over:
        return f"is {one.status or 'gone'}"
    if is_busy:
        return "another operation on it is under way"
    if is_possible(kind, one.status):
        return ""
    wanted = " or ".join(sorted(kind.facts.only_from))
    return f"is {one.status}, not {wanted}" if wanted else f"is {one.status} already"


@transaction.atomic(durable=True)
def request_batch(
    plan: BatchPlan, *, key: ApiKey, reason: str, form_token: UUID, by: Origin, now: datetime
) -> list[Operation]:
    """Ask for each change of a plan. The form's token is the batch: posted again it returns the same operations.

    Raises Refused when the key was removed.
    """
    requests = [
        ChangeRequest(
            kind=plan.kind,
            workspace=one.workspace,
            name=one.deployment_name,
            target_id=one.deployment_id,
            reason=reason,
            batch=form_token,
        )
        for one in plan.todo
    ]
    return request_operations(requests, key=key, form_token=form_token, by=by, now=now)
