"""The query string of the fleet page: which deployments it shows, in which order."""

from dataclasses import dataclass

from django.db.models import Q
from django.http import QueryDict

from deployments.fleet.models import Deployment, DeploymentQuerySet
from deployments.fleet.summary import FIGURES
from deployments.ledger.kinds import DELETED, EXPIRED
from deployments.workspaces.models import Workspace

SORTS = {
    "name": ("deployment_name", "pk"),
    "-name": ("-deployment_name", "-pk"),
    "status": ("status", "pk"),
    "-status": ("-status", "-pk"),
    "machine_type": ("machine_type", "pk"),
    "-machine_type": ("-machine_type", "-pk"),
    "creator": ("creator_email", "pk"),
    "-creator": ("-creator_email", "-pk"),
    "seen": ("first_seen_at", "pk"),
    "-seen": ("-first_seen_at", "-pk"),
}
SIZES = (100, 1000)


@dataclass(frozen=True)
class Facets:
    """What a person chose to see. Values that make no sense count as not given."""

    text: str = ""
    status: str = ""
    machine_type: str = ""
    creator: str = ""
    figure: str = ""
    expired: bool = False
    deleted: bool = False
    sort: str = "name"
    size: int = 100

    @classmethod
    def from_query(cls, query: QueryDict) -> "Facets":
        """Return the facets of a query string."""
        sort, figure, size = query.get("sort", "name"), query.get("figure", ""), query.get("size", "")
        return cls(
            text=read_text(query, "q", longest=200).strip(),
            status=read_text(query, "status", longest=60),
            machine_type=read_text(query, "machine_type", longest=60),
            creator=read_text(query, "creator", longest=254),
            figure=figure if figure in (*FIGURES, "attention") else "",
            expired="expired" in query or query.get("status") == EXPIRED,
            deleted="deleted" in query or query.get("status") == DELETED,
            sort=sort if sort in SORTS else "name",
            size=int(size) if size in map(str, SIZES) else SIZES[0],
        )

    @property
    def is_filtered(self) -> bool:
        """Whether a filter hides deployments; expired and deleted ones are hidden without a filter."""
        return bool(self.text or self.status or self.machine_type or self.creator or self.figure)

    @property
    def order(self) -> tuple[str, ...]:
        """The model fields to sort by. The last one is unique, as keyset paging needs."""
        return SORTS[self.sort]

    def filter_deployments(self, workspace: Workspace) -> DeploymentQuerySet:
        """Return the deployments of `workspace` that these facets select, in their order."""
        rows: DeploymentQuerySet = Deployment.objects.filter(workspace=workspace)
        if self.figure == "attention":
            rows = rows.needing_attention()
        elif self.figure:
            rows = rows.filter(status=FIGURES[self.figure])
        if not self.deleted:
            rows = rows.filter(gone_at=None).exclude(status=DELETED)
        if not self.expired:
            rows = rows.exclude(status=EXPIRED)
        exact = {"status": self.status, "machine_type": self.machine_type, "creator_email": self.creator}
        rows = rows.filter(**{name: value for name, value in exact.items() if value})
        if self.text:
            rows = rows.filter(
                Q(deployment_name__icontains=self.text)
                | Q(creator_email__icontains=self.text)
                | Q(domain__icontains=self.text)
            )
        return rows.order_by(*self.order)


def read_text(query: QueryDict, name: str, *, longest: int) -> str:
    """Return a parameter, or "", cut to `longest` characters and without NUL, which PostgreSQL refuses."""
    return query.get(name, "").replace("\x00", "")[:longest]
