"""What the layout shows of the fleet: the strip that tells how old the facts are."""

from typing import Any

from django import template
from django.utils.timezone import now

from deployments.fleet.strip import strip_of
from deployments.workspaces.templatetags.workspaces import current_membership

register = template.Library()


@register.inclusion_tag("fleet/_strip.html", takes_context=True)
def live_strip(context: Any) -> dict[str, Any]:
    """Show the truth bar and the chip of running operations."""
    request, membership = context["request"], current_membership(context)
    if membership is None:
        return {"request": request}
    return {"request": request, "workspace": membership.workspace, "strip": strip_of(membership, now=now())}
