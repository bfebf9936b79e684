"""What the layout shows of workspaces: the switch, and which one the rail leads through."""

from typing import Any

from django import template

from deployments.workspaces.models import Membership, Workspace

register = template.Library()


def memberships_of(context: Any) -> list[Membership]:
    """Return the person's memberships, asked once per page."""
    request = context["request"]
    if not hasattr(request, "memberships"):
        request.memberships = list(Membership.objects.of(request.user)) if request.user.is_authenticated else []
    found: list[Membership] = request.memberships
    return found


@register.simple_tag(takes_context=True)
def current_workspace(context: Any) -> Workspace | None:
    """Return the workspace of this page, else the one used last, else the first; None when there is none."""
    request = context["request"]
    if membership := getattr(request, "membership", None):
        workspace: Workspace = membership.workspace
        return workspace
    spaces = [one.workspace for one in memberships_of(context)]
    last = request.session.get("workspace") if hasattr(request, "session") else None
    return next((one for one in spaces if one.slug == last), spaces[0] if spaces else None)


@register.inclusion_tag("workspaces/_switch.html", takes_context=True)
def workspace_switch(context: Any) -> dict[str, Any]:
    """Show the workspace of this page and the way to the others."""
    return {"memberships": memberships_of(context), "current": current_workspace(context)}
