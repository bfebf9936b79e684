"""The trail of a workspace, for its members."""

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from deployments.activity.feeds import (
    entry_page,
    export_if_wanted,
    feed_context,
    refuse_wrong_times,
)
from deployments.fleet.guard import deployment_required
from deployments.fleet.header import header_context
from deployments.fleet.models import Deployment
from deployments.ledger.kinds import Kind
from deployments.workspaces.guard import workspace_required
from deployments.workspaces.models import Membership
from deployments.workspaces.roles import Role
from portal.audit.integrity import integrity_context
from portal.audit.models import Event
from portal.web.fragments import is_unchanged, nothing_new, page_or_part, wants_part

ACTIONS = (  # of the facet: the beginning of an action, and its label
    *((f"deployment.{kind}", kind.facts.label) for kind in Kind),
    ("deployment.change", _("Changed outside")),
    ("deployment.gone", _("Gone")),
    ("key", _("Keys")),
    ("member", _("Members")),
    ("invitation", _("Invitations")),
    ("export", _("Exports")),
    ("access", _("Refused access")),
)


@require_safe
@workspace_required(Role.VIEWER)
def feed(request: HttpRequest, membership: Membership) -> HttpResponseBase:
    """Show who changed what in the workspace, newest first, and what changed outside the portal."""
    workspace = membership.workspace
    if wants_part(request, "integrity"):
        return render(request, "audit/_integrity.html", integrity_context())
    events = Event.objects.filter(workspace_id=workspace.pk)
    revision = newest_sequence(events)
    if is_unchanged(request, revision):
        return nothing_new()
    base = reverse("activity:feed", args=[workspace.slug])
    context = {"rev": revision, "workspace": workspace, "base": base}
    if page := refuse_wrong_times(request, "activity/activity.html", context, events, actions=ACTIONS):
        return page
    filename = f"{workspace.slug}-activity"
    if export := export_if_wanted(request, events, workspace=workspace, what="activity", filename=filename):
        return export
    context |= feed_context(request, events, actions=ACTIONS)
    return page_or_part(request, "activity/activity.html", context, part="audit/_feed.html", region="feed")


@require_safe
@deployment_required(Role.VIEWER)
def deployment_feed(request: HttpRequest, membership: Membership, deployment: Deployment) -> HttpResponse:
    """Show who changed one deployment, and what changed it from outside: a tab of its page."""
    workspace = membership.workspace
    events = Event.objects.filter(workspace_id=workspace.pk, deployment_id=deployment.deployment_id)
    revision = newest_sequence(events)
    if is_unchanged(request, revision):
        return nothing_new()
    context = {
        "rev": revision,
        "base": reverse("activity:feed", args=[workspace.slug]),
        **header_context(membership, deployment, tab="activity"),
    }
    if page := refuse_wrong_times(request, "activity/deployment.html", context, events):
        return page
    context |= feed_context(request, events)
    return page_or_part(request, "activity/deployment.html", context, part="audit/_feed.html", region="feed")


def newest_sequence(events: QuerySet[Event]) -> str:
    """Return the number of the newest of `events`, by which a poll sees that there is a newer one."""
    return str(events.order_by("-sequence").values_list("sequence", flat=True).first() or 0)


@require_safe
@workspace_required(Role.VIEWER)
def entry(request: HttpRequest, membership: Membership, sequence: int) -> HttpResponse:
    """Show one entry with all fields. Entries of other workspaces are not found (404)."""
    events = Event.objects.filter(workspace_id=membership.workspace_id)
    back = reverse("activity:feed", args=[membership.workspace.slug])
    return entry_page(request, events, sequence, back=back, back_label=gettext("Activity"))
