"""The rows of the fleet page, with texts and addresses made before the template."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.utils.translation import gettext as _

from deployments.fleet.models import Deployment
from deployments.fleet.prices import credits_per_hour
from deployments.fleet.shown import AskedOperations
from deployments.fleet.status_cell import StatusCell, cell_of_deployment, cell_of_operation
from deployments.fleet.timeline import Segment
from deployments.ledger.kinds import READY, Kind, is_possible, possible_kinds
from deployments.ledger.models import Operation
from deployments.workspaces.models import Workspace

NOT_SHOWN = (  # columns of deployments that no row needs
    "upstream",
    "digest",
    "list_digest",
    "creator_id",
    "subdomain",
    "min_replicas",
    "reported_at",
    "is_listed",
    "partial_fields",
)


@dataclass(frozen=True)
class Row:
    """One deployment as the fleet shows it, or a create whose deployment was not reported yet."""

    id: str  # of the element
    name: str
    url: str
    cell: StatusCell
    operation: Operation | None
    machine_type: str
    deployment: Deployment | None = None
    possible: tuple[Kind, ...] = ()
    credits: float | None = None  # per hour, now
    segments: Sequence[Segment] = field(default_factory=tuple)
    replaces: str = ""  # the id of the element of the create that made it

    @property
    def is_busy(self) -> bool:
        """Whether an operation on it has not ended."""
        return self.operation is not None and self.operation.is_open

    @property
    def button(self) -> Kind | None:
        """The kind of the row's one button: while an operation is open its own, so that nothing jumps."""
        if self.is_busy and self.operation and self.operation.kind in (Kind.PAUSE, Kind.RESUME):
            return Kind(self.operation.kind)
        if self.is_busy and self.deployment:
            return Kind.RESUME if is_possible(Kind.RESUME, self.deployment.status) else Kind.PAUSE
        return next((kind for kind in (Kind.RESUME, Kind.PAUSE) if kind in self.possible), None)

    @property
    def possible_words(self) -> str:
        """The kinds that are possible, for the script that counts what a selection would do."""
        return " ".join(self.possible)

    @property
    def is_unsuccessful(self) -> bool:
        """Whether the row tells of an operation that was not done, which a person can retry or dismiss."""
        return self.operation is not None and not self.operation.is_open

    @property
    def replicas(self) -> str:
        """How many replicas run, of how many at most; "" for a create without a deployment."""
        if self.deployment is None:
            return ""
        counts = (self.deployment.num_replicas, self.deployment.max_replicas)
        number, most = ("-" if count is None else count for count in counts)
        return _("%(number)s of %(most)s") % {"number": number, "most": most}

    @property
    def expires_at(self) -> datetime | None:
        """About when the deployment expires."""
        return self.deployment.expires_at if self.deployment else None

    @property
    def is_expiry_unknown(self) -> bool:
        """Whether it expires at a time that nobody can tell: the portal did not see it start."""
        one = self.deployment
        return one is not None and one.is_dev and not one.is_over and one.expires_at is None


def fleet_row(
    deployment: Deployment,
    operation: Operation | None,
    *,
    usual: str = "",
    segments: Sequence[Segment] = (),
) -> Row:
    """Return the row of a deployment; `operation` is the one that is shown with it.

    `usual` is how long a start of this machine type usually takes.
    """
    is_busy = operation is not None and operation.is_open
    is_free = not is_busy and not deployment.is_over
    price = credits_per_hour(deployment.machine_type)
    is_charged = deployment.status == READY and not deployment.is_over
    replicas = 1 if deployment.num_replicas is None else deployment.num_replicas
    makes_new = operation is not None and operation.facts.makes_new
    return Row(
        id=f"row-{deployment.pk}",
        name=deployment.deployment_name,
        url=deployment.get_absolute_url(),
        cell=cell_of_operation(operation) if operation else cell_of_deployment(deployment, usual=usual),
        operation=operation,
        machine_type=deployment.machine_type,
        deployment=deployment,
        possible=possible_kinds(deployment.status) if is_free else (),
        credits=price * replicas if price is not None and is_charged else None,
        segments=segments,
        replaces=f"create-{operation.pk}" if makes_new and operation else "",
    )


def create_row(create: Operation) -> Row:
    """Return the row of a create whose deployment was not reported yet."""
    return Row(
        id=f"create-{create.pk}",
        name=create.target_name,
        url=create.get_absolute_url(),
        cell=cell_of_operation(create),
        operation=create,
        machine_type=create.parameters.get("machine_type") or "",
    )


def fleet_rows(
    workspace: Workspace,
    deployments: Iterable[Deployment],
    asked: AskedOperations,
    *,
    usual: dict[str, str],
    segments: dict[int, list[Segment]],
) -> list[Row]:
    """Return the rows of deployments of `workspace`, in their order; `segments` are by primary key."""
    rows = []
    for deployment in deployments:
        deployment.workspace = workspace  # loaded already: the row's address needs its slug
        row = fleet_row(
            deployment,
            asked.about(deployment),
            usual=usual.get(deployment.machine_type, ""),
            segments=segments.get(deployment.pk, ()),
        )
        rows.append(row)
    return rows
