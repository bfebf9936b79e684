"""The trail of a workspace, for its members."""

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from deployments.activity.feeds import export_if_wanted, feed_context, get_event_or_404
from deployments.ledger.kinds import Kind
from deployments.workspaces.guard import workspace_required
from deployments.workspaces.models import Membership
from deployments.workspaces.roles import Role
from portal.audit.models import Event
from portal.web.fragments import is_unchanged, nothing_new, page_or_part

ACTIONS = (  # choices of the filter: the beginning of an action, and its label
    *((f"deployment.{kind}", str(kind)) for kind in Kind),
    ("deployment.change", "changed outside"),
    ("key", "keys"),
    ("member", "members"),
    ("invitation", "invitations"),
    ("export", "exports"),
    ("access", "refused access"),
)


@require_safe
@workspace_required(Role.VIEWER)
def feed(request: HttpRequest, membership: Membership) -> HttpResponseBase:
    """Show who changed what in the workspace, newest first, and what changed outside the portal."""
    workspace = membership.workspace
    events = Event.objects.filter(workspace_id=workspace.pk)
    revision = str(events.order_by("-sequence").values_list("sequence", flat=True).first() or 0)
    if is_unchanged(request, revision):
        return nothing_new()
    filename = f"{workspace.slug}-activity"
    if export := export_if_wanted(request, events, workspace=workspace, what="activity", filename=filename):
        return export
    context = {
        "rev": revision,
        "workspace": workspace,
        "base": reverse("activity:feed", args=[workspace.slug]),
        "actions": ACTIONS,
        **feed_context(request, events),
    }
    return page_or_part(request, "activity/activity.html", context, part="audit/_feed.html", region="feed")


@require_safe
@workspace_required(Role.VIEWER)
def entry(request: HttpRequest, membership: Membership, sequence: int) -> HttpResponse:
    """Show one entry with all fields. Entries of other workspaces are not found (404)."""
    event = get_event_or_404(Event.objects.filter(workspace_id=membership.workspace_id), sequence)
    back = reverse("activity:feed", args=[membership.workspace.slug])
    return render(request, "audit/entry.html", {"event": event, "back": back})
