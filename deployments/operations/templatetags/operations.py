"""Template tags by which pages of lower rooms show operations."""

from typing import Any

from django import template

from deployments.fleet.models import Deployment
from deployments.ledger.models import Operation

register = template.Library()


@register.inclusion_tag("operations/_latest.html")
def latest_operations(deployment: Deployment) -> dict[str, Any]:
    """Show the eight latest operations on a deployment, newest first."""
    rows = (
        Operation.objects.filter(workspace=deployment.workspace_id, target_id=deployment.deployment_id)
        .select_related("workspace", "actor")
        .order_by("-requested_at")[:8]
    )
    return {"rows": rows, "workspace": deployment.workspace}
