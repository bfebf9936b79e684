"""What pages and heartbeats show of a workspace: operations, results, figures, attention, saved views."""

from dataclasses import dataclass
from functools import cached_property

from django.db.models import Q

from deployments.fleet.latest import latest_results
from deployments.fleet.models import Deployment, SavedView
from deployments.fleet.shown import AskedOperations, shown_operations
from deployments.fleet.summary import Summary, fleet_summary
from deployments.ledger.results import Result
from deployments.workspaces.models import Membership, Workspace

# By workspace: the revision that was shown last, and what was shown. What pages show changes with the
# revision alone, and ten thousand rows take longer to count than a page to make.
known_overviews: dict[int, tuple[int, "Overview"]] = {}


@dataclass(frozen=True)
class Overview:
    """What pages show of a workspace at one revision. Each part is read once, when it is first asked for."""

    workspace: Workspace

    @cached_property
    def asked(self) -> AskedOperations:
        """The operations that are open, or that nobody has dealt with."""
        return shown_operations(self.workspace)

    @cached_property
    def results(self) -> list[Result]:
        """The latest results, newest first."""
        return latest_results(self.workspace)

    @cached_property
    def saved_views(self) -> list[SavedView]:
        """The saved views of all pages and members, by name. Each member sees some of them."""
        rows = SavedView.objects.filter(workspace=self.workspace).select_related("owner")
        return list(rows.order_by("name", "pk"))

    @property
    def attention(self) -> Q:
        """The condition that a live deployment needs attention."""
        return Deployment.objects.attention_condition(one.target_id for one in self.asked.unsettled)

    @cached_property
    def summary(self) -> Summary:
        """The figures and the values of the menus."""
        return fleet_summary(self.workspace, self.asked.unsettled, attention=self.attention)


def overview_of(membership: Membership) -> Overview:
    """Return the overview of the member's workspace. Each process reads it once for each revision.

    A part that is read later can be newer than the revision, but never older: the rows are written before.
    """
    workspace = membership.workspace
    revision, overview = known_overviews.get(workspace.pk, (-1, None))
    if overview is None or revision != workspace.revision:
        overview = Overview(workspace)
        known_overviews[workspace.pk] = workspace.revision, overview
    return overview
