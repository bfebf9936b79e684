"""The heartbeat's own address, and the button that has the workspace read at once."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from deployments.fleet.heartbeat import heartbeat_of
from deployments.workspaces.due import request_sync
from deployments.workspaces.guard import workspace_required
from deployments.workspaces.models import Membership
from deployments.workspaces.quiet_polls import nothing_new_for
from deployments.workspaces.revision import page_revision
from deployments.workspaces.roles import Role
from portal.clock import now
from portal.web.fragments import (
    NEWS,
    announce_change,
    is_unchanged,
    vary_on_htmx,
)
from portal.web.limits import is_within_limit, too_often_page
from portal.web.next import safe_next


@require_safe
@workspace_required(Role.VIEWER)
def heartbeat(request: HttpRequest, membership: Membership) -> HttpResponse:
    """Answer the poll of the heartbeat; news make the other parts of the page ask for what has changed."""
    current_time = now()
    if is_unchanged(request, page_revision(membership.workspace, now=current_time)):
        return nothing_new_for(membership)
    context = {"heartbeat": heartbeat_of(membership, now=current_time), "workspace": membership.workspace}
    response = vary_on_htmx(render(request, "fleet/_heartbeat.html", context))
    response["HX-Trigger-After-Settle"] = NEWS
    return response


@require_POST
@workspace_required(Role.VIEWER)
def read_now(request: HttpRequest, membership: Membership) -> HttpResponse:
    """Make a sync due at once, also during a back-off."""
    workspace = membership.workspace
    if not is_within_limit(request, "sync", key=str(workspace.pk)):
        return too_often_page(request, _("Roboflow was just asked."))
    request_sync(workspace.pk, now=now())
    return announce_change(request, safe_next(request, request.POST.get("next"), f"/w/{workspace.slug}/"))
