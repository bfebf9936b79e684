"""The operations that pages show beside what Roboflow reports."""

from collections.abc import Iterable, Sequence

from deployments.fleet.models import Deployment
from deployments.ledger.models import Operation
from deployments.ledger.results import ToldState, told_state
from deployments.ledger.states import UNSUCCESSFUL_STATES, State
from deployments.workspaces.models import Workspace


class AskedOperations:
    """The operations that pages show beside what is reported, found by the deployment that they are about."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        """Index the operations of a workspace, which come oldest first, so that the newest is found."""
        self.all = list(operations)
        self.creates = [operation for operation in self.all if operation.facts.makes_new]
        self.by_id = {operation.target_id: operation for operation in self.all if operation.target_id}

    @property
    def open(self) -> list[Operation]:
        """Those that have not ended, oldest first."""
        return [operation for operation in self.all if operation.is_open]

    @property
    def unsettled(self) -> list[Operation]:
        """Those that were not done, or are not known to be done, and that nobody has dealt with."""
        return [operation for operation in self.all if operation.state in UNSUCCESSFUL_STATES]

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


def reported_statuses(workspace: Workspace, operations: Iterable[Operation]) -> dict[str, str]:
    """Return what Roboflow reports of the deployments that `operations` are about, by deployment_id."""
    ids = {operation.target_id for operation in operations if operation.target_id}
    targets = Deployment.objects.filter(workspace=workspace, deployment_id__in=ids)
    return dict(targets.values_list("deployment_id", "status"))


def told_operations(
    workspace: Workspace, operations: Sequence[Operation]
) -> list[tuple[Operation, ToldState]]:
    """Return each operation with what is told of it, given what Roboflow reports now."""
    statuses = reported_statuses(workspace, operations)
    return [(one, told_state(one, statuses.get(one.target_id, ""))) for one in operations]


def shown_operations(workspace: Workspace) -> AskedOperations:
    """Return the operations that are open, or that failed or are not confirmed and nobody dealt with."""
    rows = workspace.operations.select_related("actor")
    # Two queries: each has an index of its own, and together they would read all operations of all time.
    found = {one.pk: one for query in (rows.open(), rows.unsettled()) for one in query}
    return AskedOperations(sorted(found.values(), key=lambda operation: operation.requested_at))
