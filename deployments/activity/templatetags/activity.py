"""What pages of lower rooms show of the trail: the latest events of a deployment."""

from typing import Any

from django import template

from deployments.fleet.models import Deployment
from portal.audit.feed import feed_page
from portal.audit.models import Event

register = template.Library()


@register.inclusion_tag("activity/_latest.html")
def latest_events(deployment: Deployment) -> dict[str, Any]:
    """Show the latest events of a deployment."""
    workspace = deployment.workspace
    rows = Event.objects.filter(workspace_id=workspace.pk, deployment_id=deployment.deployment_id)
    return {
        "lines": feed_page(rows, cursor=None, size=8)[0],
        "workspace": workspace,
        "deployment": deployment,
    }
