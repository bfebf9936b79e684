"""Tags of the layout: the workspace of this page, and the switch to the others."""

from typing import Any

from django import template

from deployments.workspaces.guard import own_memberships
from deployments.workspaces.models import Membership, Workspace

register = template.Library()


def current_membership(context: Any) -> Membership | None:
    """Return the membership that the layout links to, or None for a person without any.

    It is that of this page's workspace; on other pages that of the workspace used last, or the first by name.
    """
    request = context["request"]
    if membership := getattr(request, "membership", None):
        found: Membership = membership
        return found
    memberships = own_memberships(request)
    last_slug = request.session.get("workspace") if hasattr(request, "session") else None
    last = [one for one in memberships if one.workspace.slug == last_slug]
    return next(iter([*last, *memberships]), None)


@register.simple_tag(takes_context=True)
def current_workspace(context: Any) -> Workspace | None:
    """Return the workspace of current_membership, or None."""
    membership = current_membership(context)
    return membership.workspace if membership else None


@register.inclusion_tag("workspaces/_switch.html", takes_context=True)
def workspace_switch(context: Any) -> dict[str, Any]:
    """Return the context of the switch: the person's memberships and the current workspace."""
    request = context["request"]
    return {"memberships": own_memberships(request), "current": current_workspace(context)}
