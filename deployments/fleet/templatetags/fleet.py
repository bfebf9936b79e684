"""What the layout shows of the fleet: the strip that says how old the facts are."""

from typing import Any

from django import template

from deployments.fleet.strip import strip_of
from deployments.workspaces.templatetags.workspaces import current_membership
from portal.clock import now

register = template.Library()


@register.inclusion_tag("fleet/_strip.html", takes_context=True)
def live_strip(context: Any) -> dict[str, Any]:
    """Show the age of the facts, a key that does not work, and how many operations are running."""
    request, membership = context["request"], current_membership(context)
    if membership is None:
        return {"request": request}
    return {"request": request, "workspace": membership.workspace, "strip": strip_of(membership, now=now())}
