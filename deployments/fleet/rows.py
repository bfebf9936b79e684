"""The rows of the fleet page, with texts and addresses made before the template."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from deployments.fleet.models import Deployment
from deployments.ledger.kinds import Kind, is_possible
from deployments.ledger.models import Operation
from deployments.ledger.states import OPEN_STATES, State
from deployments.workspaces.models import Workspace


@dataclass(frozen=True)
class TimedText:
    """A text to which how long ago `at` was is added. The browser keeps that up to date."""

    text: str
    at: datetime
    hover: str = ""  # the e-mail of the person in the text


@dataclass(frozen=True)
class Row:
    """One deployment, with what is asked, what is wrong, and when it expires; None for nothing."""

    deployment: Deployment
    url: str
    asked: TimedText | None
    asked_url: str
    trouble: TimedText | None
    expires_at: datetime | None
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
    return AskedOperations(rows.select_related("workspace", "actor").order_by("requested_at"))


def asked_text(operation: Operation) -> TimedText:
    """Return what was asked, by whom and when: "pausing - asked by Ana" (8 s ago)."""
    if operation.state == State.FAILED:
        what = f"{operation.kind} failed"
    elif operation.state == State.NEEDS_ATTENTION:
        what = f"{operation.kind} not confirmed, needs attention"
    elif operation.state == State.UNKNOWN:
        what = f"{operation.facts.progressive}, outcome not known yet"
    else:
        what = operation.facts.progressive
    hover = operation.actor.email if operation.actor else ""
    return TimedText(f"{what} - asked by {operation.actor_name}", operation.requested_at, hover)


def fleet_rows(workspace: Workspace, deployments: Iterable[Deployment], asked: AskedOperations) -> list[Row]:
    """Return the rows of deployments of `workspace`, in their order."""
    rows = []
    for deployment in deployments:
        deployment.workspace = workspace  # loaded already: the row's address needs its slug
        rows.append(fleet_row(deployment, asked.about(deployment)))
    return rows


def fleet_row(deployment: Deployment, operation: Operation | None) -> Row:
    """Return the row of a deployment; `operation` is the one that is shown with it."""
    is_busy = operation is not None and operation.is_open
    is_free = not is_busy and not deployment.is_over
    return Row(
        deployment=deployment,
        url=deployment.get_absolute_url(),
        asked=asked_text(operation) if operation else None,
        asked_url=operation.get_absolute_url() if operation else "",
        trouble=trouble_text(deployment),
        expires_at=deployment.expires_at,
        can_pause=is_free and is_possible(Kind.PAUSE, deployment.status),
        can_resume=is_free and is_possible(Kind.RESUME, deployment.status),
        is_busy=is_busy,
    )


def trouble_text(deployment: Deployment) -> TimedText | None:
    """Return why the last reported status may not be true any more, and since when; None when it is."""
    if deployment.gone_at:
        return TimedText("no longer at Roboflow, seen", deployment.gone_at)
    if deployment.missing_since:
        return TimedText("missing from Roboflow's list since", deployment.missing_since)
    return None
