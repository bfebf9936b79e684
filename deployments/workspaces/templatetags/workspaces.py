"""Tags of the layout: the workspace of this page, and the switch to the others."""

from typing import Any

from django import template
from django.utils.safestring import SafeString

from deployments.workspaces.guard import own_memberships
from deployments.workspaces.models import Membership, Workspace
from portal.web.kept_html import kept_html

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


@register.simple_tag(takes_context=True)
def rail(context: Any, current: Workspace | None) -> SafeString:
    """Render the navigation, with links into the current workspace."""
    request = context["request"]
    match = request.resolver_match
    return kept_html(
        "web/_rail.html",
        slug=current.slug if current else "",
        page=match.view_name if match else "",
        app_name=match.app_name if match else "",
        is_of_deployment="/deployments/" in request.path,
        is_administrator=bool(getattr(request.user, "is_administrator", False)),
    )
