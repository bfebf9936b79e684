"""What the pages of lower rooms show of the trail: the latest events of a deployment."""

from typing import Any

from django import template

from deployments.fleet.models import Deployment
from portal.audit.feed import feed_page
from portal.audit.models import Event

register = template.Library()
LINE_COUNT = 8


@register.inclusion_tag("activity/_latest.html")
def latest_events(deployment: Deployment) -> dict[str, Any]:
    """Render the latest events of `deployment`, newest first."""
    workspace = deployment.workspace
    events = Event.objects.filter(workspace_id=workspace.pk, deployment_id=deployment.deployment_id)
    lines, _ = feed_page(events, cursor=None, size=LINE_COUNT)
    return {"lines": lines, "workspace": workspace, "deployment": deployment}
