"""Pages of the fleet: the list, one deployment, and the strip that says how old the facts are."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.views.decorators.http import require_POST, require_safe

from deployments.fleet.facets import Facets
from deployments.fleet.guard import deployment_required
from deployments.fleet.models import Deployment
from deployments.fleet.prices import credits_per_hour
from deployments.fleet.rows import asked_text, fleet_row, fleet_rows, shown_operations
from deployments.fleet.strip import strip_of
from deployments.fleet.summary import fleet_summary
from deployments.fleet.timeline import RANGES, timeline_segments
from deployments.keys.own import own_key
from deployments.ledger.kinds import DELETED
from deployments.ledger.models import Operation
from deployments.ledger.states import UNSUCCESSFUL_STATES
from deployments.workspaces.due import request_sync
from deployments.workspaces.guard import workspace_required
from deployments.workspaces.models import Membership, Workspace
from deployments.workspaces.revision import page_revision
from deployments.workspaces.roles import Role, is_enough
from portal.audit.export import begin_export
from portal.clock import now
from portal.web.export import export_response, wants_export
from portal.web.fragments import is_unchanged, nothing_new, page_or_part, redirect_page
from portal.web.limits import is_within_limit, too_often_page
from portal.web.next import safe_next
from portal.web.paging import keyset_page

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
    "missing_since",
    "gone_at",
)
LISTED_STEPS = 50  # on one page


@require_safe
@workspace_required(Role.VIEWER)
def fleet(request: HttpRequest, membership: Membership) -> HttpResponseBase:
    """Show the workspace's deployments as Roboflow reported them last, or export them."""
    workspace, current_time = membership.workspace, now()
    rev = page_revision(workspace, now=current_time)
    if is_unchanged(request, rev):
        return nothing_new(workspace.synced_at)
    facets = Facets.from_query(request.GET)
    if format := wants_export(request):
        return export_fleet(request, workspace, facets, format=format)
    context = fleet_context(membership, facets, cursor=request.GET.get("cursor"), now=current_time)
    return page_or_part(
        request, "fleet/fleet.html", {**context, "rev": rev}, part="fleet/_fleet.html", region="fleet"
    )


def fleet_context(
    membership: Membership, facets: Facets, *, cursor: str | None, now: datetime
) -> dict[str, Any]:
    """Return what one page of the fleet shows: the rows that follow `cursor`, or the first ones."""
    workspace = membership.workspace
    rows = facets.filter_deployments(workspace)
    page = keyset_page(rows, cursor=cursor, size=facets.size, fields=facets.order)
    asked = shown_operations(workspace)
    in_flight, summary = asked.creates_in_flight(workspace), fleet_summary(workspace)
    summary.figures["attention"] += sum(create.state in UNSUCCESSFUL_STATES for create in in_flight)
    return {
        "workspace": workspace,
        "membership": membership,
        "facets": facets,
        "next": page.next,
        "rows": fleet_rows(workspace, page.rows, asked),
        "summary": summary,
        "creates_in_flight": flight_rows(in_flight),
        "is_busy": asked.any_open,
        "key": own_key(membership),
        "may_act": may_act(membership),
        "is_operator": is_enough(membership.role, Role.OPERATOR),
    }


def may_act(membership: Membership) -> bool:
    """Return whether the member can change deployments: as an operator or more, with a key that works."""
    key = own_key(membership)
    return is_enough(membership.role, Role.OPERATOR) and key is not None and key.works


def flight_rows(creates: list[Operation]) -> list[dict[str, Any]]:
    """Return a row for each create whose deployment was not reported yet."""
    return [
        {
            "name": create.target_name,
            "machine_type": create.parameters.get("machine_type") or "",
            "asked": asked_text(create),
            "url": create.get_absolute_url(),
        }
        for create in creates
    ]


def export_fleet(
    request: HttpRequest, workspace: Workspace, facets: Facets, *, format: str
) -> HttpResponseBase:
    """Export all deployments that the facets select, not only one page, and record that in the trail."""
    download = begin_export(request, workspace, what="fleet", format=format)
    if isinstance(download, HttpResponse):
        return download
    rows = export_rows(workspace, facets, now=now())
    return export_response(
        request,
        rows,
        columns=COLUMNS,
        format=format,
        filename=f"{workspace.slug}-fleet",
        download=download,
    )


def export_rows(workspace: Workspace, facets: Facets, *, now: datetime) -> Iterator[dict[str, Any]]:
    """Yield the columns of each deployment that the facets select."""
    asked = shown_operations(workspace)
    for deployment in facets.filter_deployments(workspace).iterator(chunk_size=1000):
        row = {name: getattr(deployment, name, None) for name in COLUMNS}
        operation = asked.about(deployment)
        row["asked_state"] = operation.facts.asked_status if operation and operation.is_open else ""
        if workspace.synced_at and not deployment.missing_since and not deployment.gone_at:
            row["reported_at"] = workspace.synced_at  # the last list that had it
        yield row


@require_safe
@deployment_required(Role.VIEWER)
def detail(request: HttpRequest, membership: Membership, deployment: Deployment) -> HttpResponse:
    """Show one deployment, also one that is gone: its facts, timeline, latest operations and events."""
    workspace, current_time = membership.workspace, now()
    rev = page_revision(workspace, now=current_time)
    if is_unchanged(request, rev):
        return nothing_new(workspace.synced_at)
    operation = shown_operations(workspace).about(deployment)
    row = fleet_row(deployment, operation)
    context = {
        "workspace": workspace,
        "membership": membership,
        "deployment": deployment,
        "row": row,
        "rev": rev,
        "tab": "overview",
        "is_busy": row.is_busy,
        "credits": credits_per_hour(deployment.machine_type),
        "gone_by": deleted_by(deployment),
        "may_act": may_act(membership),
        **timeline_context(request, deployment, now=current_time),
    }
    return page_or_part(
        request, "fleet/deployment.html", context, part="fleet/_deployment.html", region="deployment"
    )


def chosen_range(request: HttpRequest) -> str:
    """Return the name of the timeline's range that the query string chooses, or the shortest."""
    name = request.GET.get("range", "24h")
    return name if name in RANGES else "24h"


def timeline_context(request: HttpRequest, deployment: Deployment, *, now: datetime) -> dict[str, Any]:
    """Return the timeline: as a bar of the range until `now`, and a page of its steps, newest first."""
    range_name = chosen_range(request)
    start, newest_first = now - RANGES[range_name], deployment.timeline.order_by("-observed_at", "-pk")
    steps = [*newest_first.filter(observed_at__gt=start), *newest_first.filter(observed_at__lte=start)[:1]]
    oldest_first = [(step.observed_at, step.after) for step in reversed(steps)]
    listed = keyset_page(
        newest_first,
        cursor=request.GET.get("steps"),
        size=LISTED_STEPS,
        fields=("-observed_at", "-pk"),
    )
    return {
        "segments": timeline_segments(oldest_first, start=start, end=now),
        "steps": listed.rows,
        "older_steps": listed.next,
        "range": range_name,
        "ranges": list(RANGES),
    }


def deleted_by(deployment: Deployment) -> str:
    """Return the name of the person who deleted the deployment here, or ""."""
    ends = deployment.timeline.filter(after__in=(DELETED, "gone")).exclude(by="")
    last = ends.order_by("-observed_at").first()
    return last.by if last else ""


@require_safe
@workspace_required(Role.VIEWER)
def strip(request: HttpRequest, membership: Membership) -> HttpResponse:
    """Answer the poll of the strip."""
    current = strip_of(membership, now=now())
    if is_unchanged(request, current.rev):
        return nothing_new(membership.workspace.synced_at)
    context = {"strip": current, "workspace": membership.workspace}
    return page_or_part(request, "fleet/_strip.html", context, part="fleet/_strip.html", region="strip")


@require_POST
@workspace_required(Role.VIEWER)
def sync_now(request: HttpRequest, membership: Membership) -> HttpResponse:
    """Make a sync due at once, also during a back-off."""
    workspace = membership.workspace
    if not is_within_limit(request, "sync", key=str(workspace.pk)):
        return too_often_page(request, "Roboflow was just asked.")
    request_sync(workspace.pk, now=now())
    return redirect_page(request, safe_next(request, request.POST.get("next"), f"/w/{workspace.slug}/"))


def redirect_to_fleet(request: HttpRequest, workspace: str) -> HttpResponse:
    """Redirect `/w/<workspace>/deployments/`, which people type, to the fleet page."""
    return redirect("fleet:list", workspace=workspace)
