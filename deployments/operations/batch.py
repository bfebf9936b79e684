"""One wish for several deployments: what will be done, what is skipped and why; each becomes an operation of one batch."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction

from deployments.fleet.models import Asked, Deployment
from deployments.keys.models import ApiKey
from deployments.operations.models import Operation
from deployments.operations.request import ChangeRequest, request_operations
from deployments.operations.states import Kind
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
    """Sort deployments into those to act on and those to skip."""
    chosen = list(deployments)
    busy = set(
        Asked.objects.filter(deployment__in=chosen, ended_at=None).values_list("deployment_id", flat=True)
    )
    skipped = [Skipped(one, why) for one in chosen if (why := why_impossible(kind, one, busy=one.pk in busy))]
    left_alone = {one.deployment.pk for one in skipped}
    return BatchPlan(kind, [one for one in chosen if one.pk not in left_alone], skipped)


def why_impossible(kind: Kind, one: Deployment, *, busy: bool) -> str:
    """Return why an act makes no sense now; "" when it does."""
    if one.is_over:
        return f"is {one.status or 'gone'}"
    if busy:
        return "another operation on it is under way"
    if kind == Kind.PAUSE and one.status == "paused":
        return "is paused already"
    if kind == Kind.RESUME and one.status != "paused":
        return f"is {one.status}, not paused"
    return ""


@transaction.atomic(durable=True)
def request_batch(
    planned: BatchPlan, *, key: ApiKey, reason: str, form_token: UUID, by: Origin, now: datetime
) -> list[Operation]:
    """Ask for each; the form's token is the batch: posted again it returns the same operations. Raises Refused when the key was removed."""
    wishes = [
        ChangeRequest(
            kind=planned.kind,
            workspace=one.workspace,
            name=one.deployment_name,
            deployment=one,
            reason=reason,
            batch=form_token,
        )
        for one in planned.todo
    ]
    return request_operations(wishes, key=key, form_token=form_token, by=by, now=now)
