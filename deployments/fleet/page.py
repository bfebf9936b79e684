"""What the fleet page shows: one page of rows, and the changes of the rows that a browser already has."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from django.db.models import Q

from deployments.fleet.facets import Facets
from deployments.fleet.models import Deployment, DeploymentQuerySet
from deployments.fleet.overview import Overview, overview_of
from deployments.fleet.rows import NOT_SHOWN, Row, create_row, fleet_rows
from deployments.fleet.strips import strips_of
from deployments.fleet.summary import Summary
from deployments.fleet.usual import usual_starts
from deployments.keys.own import own_key
from deployments.ledger.kinds import PENDING
from deployments.ledger.models import Operation
from deployments.workspaces.models import Membership
from deployments.workspaces.roles import Role, is_enough
from portal.web.times import span_text


def may_act(membership: Membership) -> bool:
    """Return whether the member can change deployments: as an operator or more, with a key that works."""
    key = own_key(membership)
    return is_enough(membership.role, Role.OPERATOR) and key is not None and key.works


@dataclass(frozen=True)
class FleetPage:
    """One page of the deployments that `facets` select, for one member."""

    membership: Membership
    facets: Facets
    now: datetime

    @property
    def overview(self) -> Overview:
        """What the heartbeat of the page shows, too."""
        return overview_of(self.membership)

    @property
    def selected(self) -> DeploymentQuerySet:
        """The deployments that the facets select, on all pages."""
        return self.facets.filter_deployments(self.membership.workspace, attention=self.overview.attention)

    @cached_property
    def shown(self) -> list[Deployment]:
        """The deployments of this page.

        The database sorts all that are selected: it chooses the page by their keys, and reads the rest then.
        """
        chosen = self.selected.values("pk")[self.first : self.first + self.facets.size]
        rows = Deployment.objects.filter(pk__in=chosen).defer(*NOT_SHOWN)
        return list(self.facets.in_order(rows, attention=self.overview.attention))

    @cached_property
    def total(self) -> int:
        """How many deployments the facets select, on all pages."""
        is_last = 0 < len(self.shown) < self.facets.size or (not self.shown and not self.first)
        if is_last:
            return self.first + len(self.shown)
        return self.summary.live if self.facets.selects_all_live else self.selected.count()

    @property
    def first(self) -> int:
        """The number of rows before this page."""
        return (self.facets.page - 1) * self.facets.size

    @property
    def last(self) -> int:
        """The number of the page's last row, counted from 1 over all pages."""
        return min(self.first + self.facets.size, self.total)

    @property
    def previous_page(self) -> int | None:
        """The number of the page before this one, or None."""
        return self.facets.page - 1 if self.facets.page > 1 else None

    @property
    def next_page(self) -> int | None:
        """The number of the page after this one, or None."""
        return self.facets.page + 1 if self.last < self.total else None

    @cached_property
    def creates(self) -> list[Operation]:
        """The creates whose deployment was not reported yet: they come first, on the first page."""
        return (
            self.overview.asked.creates_in_flight(self.membership.workspace) if self.facets.page == 1 else []
        )

    @cached_property
    def rows(self) -> list[Row]:
        """The rows of the page."""
        return [*map(create_row, self.creates), *self.make_rows(self.shown)]

    def changed_rows(self, since: int) -> list[Row]:
        """Return the rows that changed after revision `since`, also of deployments on other pages."""
        workspace = self.membership.workspace
        operations = Operation.objects.filter(workspace=workspace, revision__gt=since)
        targets = list(operations.values_list("target_id", "target_name"))
        ids = {target_id for target_id, _ in targets if target_id}
        names = {name for target_id, name in targets if not target_id}
        changed = Deployment.objects.filter(
            Q(revision__gt=since) | Q(deployment_id__in=ids) | Q(deployment_name__in=names),
            workspace=workspace,
        ).defer(*NOT_SHOWN)
        return [*map(create_row, self.creates), *self.make_rows(changed)]

    def make_rows(self, deployments: Iterable[Deployment]) -> list[Row]:
        """Return rows for deployments, in their order."""
        shown = list(deployments)
        is_starting = any(one.status == PENDING for one in shown)
        starts = usual_starts(self.membership.workspace) if is_starting else {}
        return fleet_rows(
            self.membership.workspace,
            shown,
            self.overview.asked,
            usual={name: span_text(span) for name, span in starts.items()},
            segments=strips_of(self.membership.workspace, shown, now=self.now),
        )

    @cached_property
    def ids(self) -> list[str]:
        """The ids of the page's row elements, in the order that a fresh page would have."""
        if "rows" in self.__dict__:  # read already
            return [row.id for row in self.rows]
        keys = self.selected.values_list("pk", flat=True)[self.first : self.first + self.facets.size]
        return [*(f"create-{create.pk}" for create in self.creates), *(f"row-{key}" for key in keys)]

    @property
    def last_requests(self) -> dict[str, str]:
        """When the deployments of this page were last used, by the id of the row's element (ISO 8601)."""
        used = self.selected.values_list("pk", "last_request_at")
        times = used[self.first : self.first + self.facets.size]
        return {f"row-{pk}": at.isoformat() for pk, at in times if at}

    @property
    def order(self) -> str:
        """A digest of the order of the page's rows, which a browser sends back."""
        return hashlib.sha256(" ".join(self.ids).encode()).hexdigest()[:12]

    @property
    def summary(self) -> Summary:
        """The figures and the values of the menus."""
        return self.overview.summary

    @property
    def may_act(self) -> bool:
        """Whether the member can change deployments."""
        return may_act(self.membership)

    @property
    def is_operator(self) -> bool:
        """Whether the member's role allows changes; without a key that works they cannot make any."""
        return is_enough(self.membership.role, Role.OPERATOR)
