"""The query string of the fleet page: which deployments it shows, in which order."""

from dataclasses import dataclass

from django.db.models import Case, IntegerField, Q, Value, When
from django.http import QueryDict

from deployments.fleet.models import Deployment, DeploymentQuerySet
from deployments.fleet.summary import ATTENTION, FIGURES
from deployments.ledger.kinds import DELETED, EXPIRED, PAUSED, PENDING, READY
from deployments.workspaces.models import Workspace

URGENCY = ("urgency", "deployment_name", "pk")  # trouble, moving, ready, paused, and others; then by name
SORTS = {
    "": URGENCY,
    "name": ("deployment_name", "pk"),
    "-name": ("-deployment_name", "-pk"),
    "status": ("status", "deployment_name", "pk"),
    "-status": ("-status", "-deployment_name", "-pk"),
    "machine_type": ("machine_type", "deployment_name", "pk"),
    "-machine_type": ("-machine_type", "-deployment_name", "-pk"),
    "creator": ("creator_email", "deployment_name", "pk"),
    "-creator": ("-creator_email", "-deployment_name", "-pk"),
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
    sort: str = ""
    size: int = SIZES[0]
    page: int = 1

    @classmethod
    def from_query(cls, query: QueryDict) -> "Facets":
        """Return the facets of a query string."""
        sort, figure, size = query.get("sort", ""), query.get("figure", ""), query.get("size", "")
        return cls(
            text=read_text(query, "q", longest=200).strip(),
            status=read_text(query, "status", longest=60),
            machine_type=read_text(query, "machine_type", longest=60),
            creator=read_text(query, "creator", longest=254),
            figure=figure if figure in (*FIGURES, ATTENTION) else "",
            expired="expired" in query or query.get("status") == EXPIRED,
            deleted="deleted" in query or query.get("status") == DELETED,
            sort=sort if sort in SORTS else "",
            size=int(size) if size in map(str, SIZES) else SIZES[0],
            page=read_number(query, "page"),
        )

    @property
    def is_filtered(self) -> bool:
        """Whether a filter hides deployments; expired and deleted ones are hidden without a filter."""
        return bool(self.text or self.status or self.machine_type or self.creator or self.figure)

    @property
    def selects_all_live(self) -> bool:
        """Whether exactly the live deployments are shown, as the figures of the fleet count them."""
        return not (self.is_filtered or self.expired or self.deleted)

    @property
    def is_long(self) -> bool:
        """Whether a page shows the larger number of rows."""
        return self.size == SIZES[1]

    def filter_deployments(self, workspace: Workspace, *, attention: Q) -> DeploymentQuerySet:
        """Return the deployments of `workspace` that these facets select, in their order.

        `attention` is the condition that a live one needs attention.
        """
        rows: DeploymentQuerySet = Deployment.objects.filter(workspace=workspace)
        if self.figure == ATTENTION:
            rows = rows.live().filter(attention)
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
        return self.in_order(rows, attention=attention)

    def in_order(self, rows: DeploymentQuerySet, *, attention: Q) -> DeploymentQuerySet:
        """Return the rows in the order that these facets ask for."""
        ordered: DeploymentQuerySet = rows
        if not self.sort:
            ordered = rows.annotate(urgency=urgency(attention))
        return ordered.order_by(*SORTS[self.sort])


def urgency(attention: Q) -> Case:
    """Return the expression by which the default order begins: trouble first, then what moves."""
    return Case(
        When(Q(gone_at=None) & attention, then=Value(0)),
        When(status=PENDING, then=Value(1)),
        When(status=READY, then=Value(2)),
        When(status=PAUSED, then=Value(3)),
        default=Value(4),
        output_field=IntegerField(),
    )


def read_text(query: QueryDict, name: str, *, longest: int) -> str:
    """Return a parameter, or "", cut to `longest` characters and without NUL, which PostgreSQL refuses."""
    return query.get(name, "").replace("\x00", "")[:longest]


def read_number(query: QueryDict, name: str) -> int:
    """Return a parameter that counts from 1; 1 if it is missing or no such number."""
    text = query.get(name, "")
    return max(1, int(text)) if text.isascii() and text.isdecimal() and len(text) < 7 else 1
