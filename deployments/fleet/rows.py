"""The rows of the fleet page, with texts and addresses made before the template."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q

from deployments.fleet.models import Deployment
from deployments.ledger.kinds import Kind, is_possible
from deployments.ledger.models import Operation
from deployments.ledger.states import OPEN_STATES, State
from deployments.workspaces.models import Workspace
from portal.web.times import ago_text, span_text


@dataclass(frozen=True)
class Row:
    """One deployment, with what is asked, what is wrong and when it expires as texts ("" for nothing)."""

    deployment: Deployment
    url: str
    asked: str
    asked_url: str
    trouble: str
    expiry: str
    can_pause: bool
    can_resume: bool
    is_busy: bool


class AskedOperations:
    """The operations that pages show beside what is reported, found by the deployment that they are about."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        """Index the operations of a workspace, which come oldest first, so that the newest is found."""
        self.all = list(operations)
        self.creates = [operation for operation in self.all if operation.facts.makes_new]
        self.by_id = {operation.target_id: operation for operation in self.all if operation.target_id}

    @property
    def any_open(self) -> bool:
        """Whether at least one of them has not ended."""
        return any(operation.is_open for operation in self.all)

    def about(self, deployment: Deployment) -> Operation | None:
        """Return the newest operation on a deployment, or the create that made it, or None."""
        return self.by_id.get(deployment.deployment_id) or self.create_of(deployment)

    def create_of(self, deployment: Deployment) -> Operation | None:
        """Return the newest create that made, or can have made, a deployment; None when there is none."""
        creates = [create for create in self.creates if can_have_made(create, deployment)]
        return creates[-1] if creates else None

    def creates_in_flight(self, workspace: Workspace) -> list[Operation]:
        """Return the creates whose deployment was not reported yet."""
        names = [create.target_name for create in self.creates]
        rows = Deployment.objects.filter(workspace=workspace, deployment_name__in=names) if names else []
        reported = [self.create_of(row) for row in rows]
        return [create for create in self.creates if create not in reported]


def can_have_made(create: Operation, deployment: Deployment) -> bool:
    """Return whether a create made the deployment: by id or, while Roboflow has not named it, by name."""
    if create.target_id:
        return create.target_id == deployment.deployment_id
    return create.state != State.FAILED and (
        create.target_name == deployment.deployment_name
        and create.sent_at is not None
        and create.requested_at <= deployment.first_seen_at
        and deployment.deployment_id not in create.known_ids
    )


def shown_operations(workspace: Workspace) -> AskedOperations:
    """Return the operations that are open, or that failed or are not confirmed and nobody dealt with."""
    unsettled = Operation.objects.unsettled().filter(workspace=workspace).values("pk")
    rows = Operation.objects.filter(workspace=workspace).filter(
        Q(state__in=OPEN_STATES) | Q(pk__in=unsettled)
    )
    return AskedOperations(rows.select_related("workspace").order_by("requested_at"))


def asked_text(operation: Operation, *, now: datetime) -> str:
    """Return what was asked, by whom and when: "pausing - asked by Ana 8 s ago"."""
    who = f"asked by {operation.actor_name} {ago_text(operation.requested_at, now)}"
    if operation.state == State.FAILED:
        return f"{operation.kind} failed - {who}"
    if operation.state == State.NEEDS_ATTENTION:
        return f"{operation.kind} not confirmed, needs attention - {who}"
    unknown = ", outcome not known yet" if operation.state == State.UNKNOWN else ""
    return f"{operation.facts.progressive}{unknown} - {who}"


def fleet_rows(
    workspace: Workspace, deployments: Iterable[Deployment], asked: AskedOperations, *, now: datetime
) -> list[Row]:
    """Return the rows of deployments of `workspace`, in their order."""
    rows = []
    for deployment in deployments:
        deployment.workspace = workspace  # loaded already: the row's address needs its slug
        rows.append(fleet_row(deployment, asked.about(deployment), now=now))
    return rows


def fleet_row(deployment: Deployment, operation: Operation | None, *, now: datetime) -> Row:
    """Return the row of a deployment; `operation` is the one that is shown with it."""
    is_busy = operation is not None and operation.is_open
    is_free = not is_busy and not deployment.is_over
    return Row(
        deployment=deployment,
        url=deployment.get_absolute_url(),
        asked=asked_text(operation, now=now) if operation else "",
        asked_url=operation.get_absolute_url() if operation else "",
        trouble=trouble_text(deployment, now=now),
        expiry=expiry_text(deployment, now=now),
        can_pause=is_free and is_possible(Kind.PAUSE, deployment.status),
        can_resume=is_free and is_possible(Kind.RESUME, deployment.status),
        is_busy=is_busy,
    )


def trouble_text(deployment: Deployment, *, now: datetime) -> str:
    """Return why the last reported status may not be true any more; "" when it is."""
    if deployment.gone_at:
        return f"no longer at Roboflow, seen {ago_text(deployment.gone_at, now)}"
    if deployment.missing_since:
        return f"missing from Roboflow's list since {ago_text(deployment.missing_since, now)}"
    return ""


def expiry_text(deployment: Deployment, *, now: datetime) -> str:
    """Return about when a deployment expires, by our clock; "" when it does not or when that is not known."""
    if deployment.expires_at is None:
        return ""
    left = deployment.expires_at - now
    return f"about in {span_text(left)}" if left > timedelta(0) else "about now"
