"""The query string of the fleet page: what is shown, in which order."""

from dataclasses import dataclass

from django.db.models import Q
from django.http import QueryDict

from deployments.fleet.models import DELETED, EXPIRED, Deployment, DeploymentQuerySet
from deployments.fleet.summary import FIGURES
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
    """What a person chose to see. Whatever makes no sense is as if it were not there."""

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
        """Read a query string."""
        sort, figure, size = query.get("sort", "name"), query.get("figure", ""), query.get("size", "")
        return cls(
            text=query.get("q", "").replace("\x00", "").strip()[:200],
            status=query.get("status", "").replace("\x00", "")[:60],
            machine_type=query.get("machine_type", "").replace("\x00", "")[:60],
            creator=query.get("creator", "").replace("\x00", "")[:254],
            figure=figure if figure in (*FIGURES, "attention") else "",
            expired="expired" in query or query.get("status") == EXPIRED,
            deleted="deleted" in query or query.get("status") == DELETED,
            sort=sort if sort in SORTS else "name",
            size=int(size) if size in map(str, SIZES) else SIZES[0],
        )

    @property
    def is_filtered(self) -> bool:
        """Something is hidden that would else be shown."""
        return bool(self.text or self.status or self.machine_type or self.creator or self.figure)

    @property
    def order(self) -> tuple[str, ...]:
        """Return the fields of the order, for keyset paging."""
        return SORTS[self.sort]

    def filter_deployments(self, workspace: Workspace) -> DeploymentQuerySet:
        """Return the deployments that are asked for."""
        rows: DeploymentQuerySet = Deployment.objects.filter(workspace=workspace)
        if self.figure == "attention":
            rows = rows.needing_attention()
        elif self.figure:
            rows = rows.filter(status=FIGURES[self.figure])
        if not self.deleted:
            rows = rows.filter(gone_at=None).exclude(status=DELETED)
        if not self.expired:
            rows = rows.exclude(status=EXPIRED)
        for name, value in (
            ("status", self.status),
            ("machine_type", self.machine_type),
            ("creator_email", self.creator),
        ):
            if value:
                rows = rows.filter(**{name: value})
        if self.text:
            rows = rows.filter(
                Q(deployment_name__icontains=self.text)
                | Q(creator_email__icontains=self.text)
                | Q(domain__icontains=self.text)
            )
        return rows.order_by(*self.order)
