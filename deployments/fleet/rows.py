"""What the rows of the fleet page say, prepared before the template: words, addresses, what was asked."""

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

SHOWN_FOR = timedelta(days=7)  # how long an operation that needs attention is shown in its row


@dataclass(frozen=True)
class Row:
    """One row: the deployment, and the three facts of its state in words."""

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
    """The operations that a workspace's pages show beside what is reported, found by the deployment that they are about."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        self.all = list(operations)  # oldest first, so that the newest one of a deployment wins
        self.by_id = {one.target_id: one for one in self.all if one.target_id}
        self.by_name = {one.target_name: one for one in self.all if one.facts.makes_new and not one.target_id}

    @property
    def any_open(self) -> bool:
        """Return whether any of them is still under way."""
        return any(one.is_open for one in self.all)

    def about(self, deployment: Deployment) -> Operation | None:
        """Return the newest operation on a deployment: by its id, or a create whose answer did not name one yet."""
        if found := self.by_id.get(deployment.deployment_id):
            return found
        create = self.by_name.get(deployment.deployment_name)
        return create if create and create.requested_at <= deployment.first_seen_at else None

    def creates_in_flight(self, workspace: Workspace) -> list[Operation]:
        """Return the creates whose deployment nobody has seen yet."""
        creates = [one for one in self.all if one.facts.makes_new]
        rows = Deployment.objects.filter(
            workspace=workspace, deployment_name__in=[one.target_name for one in creates]
        )
        seen = [self.about(row) for row in rows] if creates else []
        return [one for one in creates if one not in seen]


def shown_operations(workspace: Workspace, *, now: datetime) -> AskedOperations:
    """Return the operations that are open, or needed attention within SHOWN_FOR and are not resolved."""
    attention = Q(state=State.NEEDS_ATTENTION, resolved_at=None, requested_at__gt=now - SHOWN_FOR)
    rows = Operation.objects.filter(workspace=workspace).filter(Q(state__in=OPEN_STATES) | attention)
    return AskedOperations(rows.select_related("workspace").order_by("requested_at"))


def asked_text(operation: Operation, *, now: datetime) -> str:
    """Return what was asked, as a row says it."""
    who = f"asked by {operation.actor_name} {ago_text(operation.requested_at, now)}"
    if operation.state == State.NEEDS_ATTENTION:
        return f"{operation.kind} needs attention - {who}"
    unknown = ", outcome not known yet" if operation.state == State.UNKNOWN else ""
    return f"{operation.facts.progressive}{unknown} - {who}"


def fleet_rows(
    workspace: Workspace, deployments: Iterable[Deployment], asked: AskedOperations, *, now: datetime
) -> list[Row]:
    """Return the rows of deployments, in their order."""
    rows = []
    for one in deployments:
        one.workspace = workspace  # known already: an address needs its slug
        rows.append(fleet_row(one, asked.about(one), now=now))
    return rows


def fleet_row(one: Deployment, operation: Operation | None, *, now: datetime) -> Row:
    """Return one row; `operation` is the newest one on this deployment that is shown."""
    is_busy = operation is not None and operation.is_open
    is_free = not is_busy and not one.is_over
    return Row(
        deployment=one,
        url=one.get_absolute_url(),
        asked=asked_text(operation, now=now) if operation else "",
        asked_url=operation.get_absolute_url() if operation else "",
        trouble=trouble_text(one, now=now),
        expiry=expiry_text(one, now=now),
        can_pause=is_free and is_possible(Kind.PAUSE, one.status),
        can_resume=is_free and is_possible(Kind.RESUME, one.status),
        is_busy=is_busy,
    )


def trouble_text(one: Deployment, *, now: datetime) -> str:
    """Return why a row is not simply what its status says; empty when it is."""
    if one.gone_at:
        return f"no longer at Roboflow, seen {ago_text(one.gone_at, now)}"
    if one.missing_since:
        return f"missing from Roboflow's list since {ago_text(one.missing_since, now)}"
    return ""


def expiry_text(one: Deployment, *, now: datetime) -> str:
    """Return about when a dev type expires, by our own clock; empty when it does not or nobody knows."""
    if one.expires_at is None:
        return ""
    left = one.expires_at - now
    return f"about in {span_text(left)}" if left > timedelta(0) else "about now"
