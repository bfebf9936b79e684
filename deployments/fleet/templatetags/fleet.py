"""What the layout shows of the fleet: the strip that tells how old the facts are."""

from typing import Any

from django import template
from django.utils.timezone import now

from deployments.fleet.strip import strip_of
from deployments.workspaces.templatetags.workspaces import current_workspace

register = template.Library()


@register.inclusion_tag("fleet/_strip.html", takes_context=True)
def live_strip(context: Any) -> dict[str, Any]:
    """Show the truth bar and the chip of running operations."""
    request, workspace = context["request"], current_workspace(context)
    if workspace is None:
        return {"request": request}
    return {"request": request, "workspace": workspace, "strip": strip_of(workspace, request.user, now=now())}
