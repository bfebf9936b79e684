"""The header that all tabs of a deployment share: its name and status, what it costs, and its buttons."""

from typing import Any

from deployments.fleet.models import Deployment
from deployments.fleet.overview import overview_of
from deployments.fleet.page import may_act
from deployments.fleet.prices import credits_per_hour
from deployments.fleet.rows import fleet_row
from deployments.ledger.kinds import DELETED, READY
from deployments.ledger.models import Operation
from deployments.workspaces.models import Membership
from deployments.workspaces.revision import page_revision
from portal.clock import now


def header_context(membership: Membership, deployment: Deployment, *, tab: str) -> dict[str, Any]:
    """Return what the header shows of a deployment to a member. `tab` is the name of the tab that is open."""
    row = fleet_row(deployment, overview_of(membership).asked.about(deployment))
    return {
        "workspace": membership.workspace,
        "membership": membership,
        "deployment": deployment,
        "row": row,
        "credits": credits_per_hour(deployment.machine_type),
        "gone_by": deleted_by(deployment) if deployment.is_over else "",
        "may_act": may_act(membership),
        "header_rev": page_revision(membership.workspace, now=now()),
        "tab": tab,
        "starting": starting_operation(deployment, row.operation),
    }


def starting_operation(deployment: Deployment, shown: Operation | None) -> Operation | None:
    """Return the operation by which the deployment starts, or None. `shown` is the one its row tells of."""
    if shown is not None and shown.is_open:
        return shown if shown.facts.asked_status == READY else None
    if not deployment.is_moving:
        return None
    asked = Operation.objects.filter(workspace=deployment.workspace_id, target_id=deployment.deployment_id)
    newest = asked.order_by("-requested_at").first()
    return newest if newest is not None and newest.facts.asked_status == READY else None


def deleted_by(deployment: Deployment) -> str:
    """Return the name of the person who deleted the deployment here, or ""."""
    ends = deployment.timeline.filter(after__in=(DELETED, "gone")).exclude(by="")
    last = ends.order_by("-observed_at").first()
    return last.by if last else ""
