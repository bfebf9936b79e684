"""The workspace's trail as its members see it."""

from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from deployments.workspaces.guard import workspace_required
from deployments.workspaces.models import Membership
from deployments.workspaces.roles import Role
from portal.audit.export import record_export
from portal.audit.feed import COLUMNS, export_fields, feed_page, filter_choices, filter_events
from portal.audit.integrity import integrity_context
from portal.audit.models import Event
from portal.web.export import export_response, wants_export
from portal.web.fragments import is_unchanged, nothing_new, page_or_part

ACTIONS = (
    ("deployment.create", "create"),
    ("deployment.pause", "pause"),
    ("deployment.resume", "resume"),
    ("deployment.delete", "delete"),
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
    """Who changed what, newest first; also what changed outside the portal."""
    workspace = membership.workspace
    events = Event.objects.filter(workspace_id=workspace.pk)
    rev = str(events.order_by("-sequence").values_list("sequence", flat=True).first() or 0)
    if is_unchanged(request, rev):
        return nothing_new()
    rows = filter_events(events, request.GET)
    if wanted := wants_export(request):
        record_export(request, workspace, what="activity", format=wanted)
        found = (export_fields(one) for one in rows.order_by("-sequence").iterator(chunk_size=1000))
        return export_response(found, columns=COLUMNS, format=wanted, filename=f"{workspace.slug}-activity")
    lines, following = feed_page(rows, cursor=request.GET.get("cursor"))
    context = {
        "lines": lines,
        "next": following,
        "rev": rev,
        "workspace": workspace,
        "base": reverse("activity:feed", args=[workspace.slug]),
        "actions": ACTIONS,
        **filter_choices(events),
        **integrity_context(),
    }
    return page_or_part(request, "activity/activity.html", context, part="audit/_feed.html", region="feed")


@require_safe
@workspace_required(Role.VIEWER)
def entry(request: HttpRequest, membership: Membership, sequence: int) -> HttpResponse:
    """One entry with every field; entries of other workspaces are not here."""
    event = Event.objects.filter(workspace_id=membership.workspace_id, sequence=sequence).first()
    if event is None:
        raise Http404
    return render(
        request,
        "audit/entry.html",
        {"event": event, "back": reverse("activity:feed", args=[membership.workspace.slug])},
    )
