"""What a page and its heartbeat both show of a workspace: operations, figures, and what needs attention."""

from dataclasses import dataclass
from functools import cached_property

from django.db.models import Q

from deployments.fleet.models import Deployment
from deployments.fleet.shown import AskedOperations, shown_operations
from deployments.fleet.summary import Summary, fleet_summary
from deployments.workspaces.models import Membership, Workspace

# By workspace: the revision that was counted last, and what was counted. A change that pages show has a new
# revision, and ten thousand rows take longer to count than a page to make.
known_summaries: dict[int, tuple[int, Summary]] = {}


@dataclass(frozen=True)
class Overview:
    """Each part is read when it is first asked for, and once."""

    workspace: Workspace

    @cached_property
    def asked(self) -> AskedOperations:
        """The operations that are open, or that nobody has dealt with."""
        return shown_operations(self.workspace)

    @property
    def attention(self) -> Q:
        """The condition that a live deployment needs attention."""
        return Deployment.objects.attention_condition(one.target_id for one in self.asked.unsettled)

    @cached_property
    def summary(self) -> Summary:
        """The figures and the values of the menus. Each process counts them once for each revision."""
        revision = self.workspace.revision
        known, summary = known_summaries.get(self.workspace.pk, (0, None))
        if summary is None or known != revision:
            summary = fleet_summary(self.workspace, self.asked.unsettled, attention=self.attention)
            known_summaries[self.workspace.pk] = revision, summary
        return summary


def overview_of(membership: Membership) -> Overview:
    """Return the overview of the member's workspace: the same one for the same membership object."""
    if not hasattr(membership, "overview"):
        membership.overview = Overview(membership.workspace)  # type: ignore[attr-defined]
    found: Overview = membership.overview  # type: ignore[attr-defined]
    return found
