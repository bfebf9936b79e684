"""The fleet page: the list of deployments, the changes of its rows, and its export."""

import json
from collections.abc import Iterator
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from deployments.fleet.facets import Facets
from deployments.fleet.look import look_of
from deployments.fleet.page import FleetPage
from deployments.fleet.saved import SavedViews
from deployments.keys.own import own_key
from deployments.workspaces.guard import workspace_required
from deployments.workspaces.models import Membership
from deployments.workspaces.quiet_polls import nothing_new_for
from deployments.workspaces.revision import parse_revision
from deployments.workspaces.roles import Role
from portal.audit.export import begin_export
from portal.clock import now
from portal.web.export import export_response, wants_export
from portal.web.fragments import (
    is_unchanged,
    page_or_part,
    vary_on_htmx,
    wants_fragment,
    wants_part,
)

COLUMNS = (
    "deployment_id",
    "deployment_name",
    "status",
    "asked_state",
    "machine_type",
    "creator_email",
    "creator_id",
    "subdomain",
    "domain",
    "duration_hours",
    "inference_version",
    "min_replicas",
    "max_replicas",
    "num_replicas",
    "status_since",
    "first_seen_at",
    "reported_at",
    "last_request_at",
    "missing_since",
    "gone_at",
)


@require_safe
@workspace_required(Role.VIEWER)
def fleet(request: HttpRequest, membership: Membership) -> HttpResponseBase:
    """Show the workspace's deployments as Roboflow reported them last, or export them."""
    workspace, facets = membership.workspace, Facets.from_query(request.GET)
    page = FleetPage(membership, facets, now())
    if format := wants_export(request):
        return export_fleet(request, page, format=format)
    if wants_part(request, "fleet-news"):
        return fleet_news(request, page)
    if wants_part(request, "last-requests"):
        times = {"last_requests": json.dumps(page.last_requests)}
        return vary_on_htmx(render(request, "fleet/_last_requests.html", times))
    saved = SavedViews(membership)
    if not request.GET and not wants_fragment(request) and (view := saved.default) and view.query:
        return redirect(f"{request.path}?{view.query}")
    context = {
        "page": page,
        "look": look_of(request.user),
        "saved": saved,
        "rows": page.rows,
        "summary": page.summary,
        "facets": facets,
        "workspace": workspace,
        "key": own_key(membership),
        "may_act": page.may_act,
    }
    return page_or_part(request, "fleet/fleet.html", context, part="fleet/_fleet.html", region="fleet")


def fleet_news(request: HttpRequest, page: FleetPage) -> HttpResponse:
    """Answer with the rows that changed since the revision `rev`, the figures, and a new order if any.

    A page that was open while the person's rights changed, or that sends no revision, is loaded as a whole.
    """
    since, rights = parse_revision(request.GET.get("rev", "")), request.GET.get("may_act", "")
    if since is None or rights != str(int(page.may_act)):
        response = HttpResponse(status=204)
        response["HX-Refresh"] = "true"
        return vary_on_htmx(response)
    workspace = page.membership.workspace
    if is_unchanged(request, str(workspace.revision)):
        return nothing_new_for(page.membership)
    context = {
        "page": page,
        "look": look_of(request.user),
        "facets": page.facets,
        "workspace": workspace,
        "changed_rows": page.changed_rows(since),
        "order": request.GET.get("order"),  # of the rows in the browser, which keep their places
        "has_new_order": request.GET.get("order") != page.order,
        "may_act": page.may_act,
    }
    return vary_on_htmx(render(request, "fleet/_news.html", context))


def export_fleet(request: HttpRequest, page: FleetPage, *, format: str) -> HttpResponseBase:
    """Export all deployments that the facets select, not only one page, and record that in the trail."""
    workspace = page.membership.workspace
    download = begin_export(request, workspace, what="fleet", format=format)
    if isinstance(download, HttpResponse):
        return download
    return export_response(
        request,
        export_rows(page),
        columns=COLUMNS,
        format=format,
        filename=f"{workspace.slug}-fleet",
        download=download,
    )


def export_rows(page: FleetPage) -> Iterator[dict[str, Any]]:
    """Yield the columns of each deployment that the page's facets select."""
    workspace, asked = page.membership.workspace, page.overview.asked
    for deployment in page.selected.iterator(chunk_size=1000):
        row = {name: getattr(deployment, name, None) for name in COLUMNS}
        operation = asked.about(deployment)
        row["asked_state"] = operation.facts.asked_status if operation and operation.is_open else ""
        if workspace.synced_at and not deployment.missing_since and not deployment.gone_at:
            row["reported_at"] = workspace.synced_at  # the last list that had it
        yield row


def redirect_to_fleet(request: HttpRequest, workspace: str) -> HttpResponse:
    """Redirect `/w/<workspace>/deployments/`, which people type, to the fleet page."""
    return redirect("fleet:list", workspace=workspace)
