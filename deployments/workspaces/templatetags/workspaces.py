"""What the layout shows of workspaces: the switch, and which one the rail leads through."""

from typing import Any

from django import template

from deployments.workspaces.guard import own_memberships
from deployments.workspaces.models import Membership, Workspace

register = template.Library()


def current_membership(context: Any) -> Membership | None:
    """Return the membership of this page's workspace, else of the one used last, else the first; None when there is none."""
    request = context["request"]
    if membership := getattr(request, "membership", None):
        found: Membership = membership
        return found
    memberships = own_memberships(request)
    last = request.session.get("workspace") if hasattr(request, "session") else None
    return next(
        (one for one in memberships if one.workspace.slug == last), memberships[0] if memberships else None
    )


@register.simple_tag(takes_context=True)
def current_workspace(context: Any) -> Workspace | None:
    """Return the workspace of this page, else the one used last, else the first; None when there is none."""
    membership = current_membership(context)
    return membership.workspace if membership else None


@register.inclusion_tag("workspaces/_switch.html", takes_context=True)
def workspace_switch(context: Any) -> dict[str, Any]:
    """Show the workspace of this page and the way to the others."""
    request = context["request"]
    return {"memberships": own_memberships(request), "current": current_workspace(context)}
