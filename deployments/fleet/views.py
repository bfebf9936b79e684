"""Pages of the fleet: the list, one deployment, and the strip that tells how old the facts are."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils.timezone import now
from django.views.decorators.http import require_POST, require_safe

from deployments.fleet.facets import Facets
from deployments.fleet.guard import deployment_required
from deployments.fleet.models import Deployment
from deployments.fleet.prices import credits_per_hour
from deployments.fleet.rows import asked_text, fleet_row, fleet_rows, shown_operations
from deployments.fleet.strip import strip_of
from deployments.fleet.summary import fleet_summary
from deployments.fleet.timeline import RANGES, timeline_segments
from deployments.keys.models import KeyState
from deployments.keys.own import own_key
from deployments.ledger.models import Operation
from deployments.workspaces.guard import workspace_required
from deployments.workspaces.models import Membership, Workspace
from deployments.workspaces.revision import page_revision
from deployments.workspaces.roles import Role, is_enough
from portal.audit.export import record_export
from portal.web.export import export_response, wants_export
from portal.web.fragments import is_unchanged, nothing_new, page_or_part, redirect_page
from portal.web.limits import is_within_limit, too_many_exports_page, too_often_page
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


@require_safe
@workspace_required(Role.VIEWER)
def fleet(request: HttpRequest, membership: Membership) -> HttpResponseBase:
    """The workspace's deployments, as Roboflow reported them last."""
    workspace, moment = membership.workspace, now()
    rev = page_revision(workspace, now=moment)
    if is_unchanged(request, rev):
        return nothing_new()
    facets = Facets.from_query(request.GET)
    if wanted := wants_export(request):
        if not record_export(request, workspace, what="fleet", format=wanted):
            return too_many_exports_page(request)
        return export_response(
            export_rows(workspace, facets), columns=COLUMNS, format=wanted, filename=f"{workspace.slug}-fleet"
        )
    page = keyset_page(
        facets.filter_deployments(workspace),
        cursor=request.GET.get("cursor"),
        size=facets.size,
        fields=facets.order,
    )
    asked = shown_operations(workspace, now=moment)
    key = own_key(membership)
    context = {
        "workspace": workspace,
        "membership": membership,
        "facets": facets,
        "rev": rev,
        "next": page.next,
        "rows": fleet_rows(workspace, page.rows, asked, now=moment),
        "summary": fleet_summary(workspace),
        "coming": flight_rows(asked.creates_in_flight(workspace), now=moment),
        "fast": asked.any_open,
        "key": key,
        "may_act": is_enough(membership.role, Role.OPERATOR)
        and key is not None
        and key.state == KeyState.VALID,
        "is_operator": is_enough(membership.role, Role.OPERATOR),
    }
    return page_or_part(request, "fleet/fleet.html", context, part="fleet/_fleet.html", region="fleet")


def flight_rows(operations: list[Operation], *, now: datetime) -> list[dict[str, str]]:
    """Return a row for each create whose deployment nobody has seen yet."""
    return [
        {
            "name": one.target_name,
            "machine_type": one.parameters.get("machine_type") or "",
            "asked": asked_text(one, now=now),
            "url": one.get_absolute_url(),
        }
        for one in operations
    ]


def export_rows(workspace: Workspace, facets: Facets) -> Iterator[dict[str, Any]]:
    """Yield every row of the filter."""
    asked = shown_operations(workspace, now=now())
    for one in facets.filter_deployments(workspace).iterator(chunk_size=1000):
        facts = {name: getattr(one, name, None) for name in COLUMNS}
        operation = asked.about(one)
        facts["asked_state"] = operation.facts.asked_status if operation else ""
        if workspace.synced_at and not one.missing_since and not one.gone_at:
            facts["reported_at"] = workspace.synced_at  # the last list that had it
        yield facts


@require_safe
@deployment_required(Role.VIEWER)
def detail(request: HttpRequest, membership: Membership, deployment: Deployment) -> HttpResponse:
    """One deployment: all its facts, its timeline, its latest operations and events. Those gone keep their page."""
    workspace, moment = membership.workspace, now()
    rev = page_revision(workspace, now=moment)
    if is_unchanged(request, rev):
        return nothing_new()
    operation = shown_operations(workspace, now=moment).about(deployment)
    row = fleet_row(deployment, operation, now=moment)
    key = own_key(membership)
    context = {
        "workspace": workspace,
        "membership": membership,
        "deployment": deployment,
        "row": row,
        "rev": rev,
        "tab": "overview",
        "fast": row.is_busy,
        "range": timeline_range(request),
        **timeline_context(request, deployment, moment),
        "credits": credits_per_hour(deployment.machine_type),
        "gone_by": deleted_by(deployment),
        "may_act": is_enough(membership.role, Role.OPERATOR)
        and key is not None
        and key.state == KeyState.VALID,
    }
    return page_or_part(
        request, "fleet/deployment.html", context, part="fleet/_deployment.html", region="deployment"
    )


def timeline_range(request: HttpRequest) -> str:
    """Return the chosen range of the timeline."""
    wanted = request.GET.get("range", "24h")
    return wanted if wanted in RANGES else "24h"


def timeline_context(request: HttpRequest, deployment: Deployment, moment: Any) -> dict[str, Any]:
    """Return the timeline, as a bar and as a list."""
    steps = list(deployment.timeline.order_by("observed_at", "pk")[:1000])
    start = moment - RANGES[timeline_range(request)]
    bar = timeline_segments([(one.observed_at, one.after) for one in steps], start=start, end=moment)
    return {"segments": bar, "steps": steps[::-1][:50], "ranges": list(RANGES)}


def deleted_by(deployment: Deployment) -> str:
    """Return who deleted it here, if anybody did."""
    last = (
        deployment.timeline.filter(after__in=("deleted", "gone"))
        .exclude(by="")
        .order_by("-observed_at")
        .first()
    )
    return last.by if last else ""


@require_safe
@workspace_required(Role.VIEWER)
def strip(request: HttpRequest, membership: Membership) -> HttpResponse:
    """The strip, for its poll."""
    found = strip_of(membership, now=now())
    if is_unchanged(request, found.rev):
        return nothing_new()
    return page_or_part(
        request,
        "fleet/_strip.html",
        {"strip": found, "workspace": membership.workspace},
        part="fleet/_strip.html",
        region="strip",
    )


@require_POST
@workspace_required(Role.VIEWER)
def sync_now(request: HttpRequest, membership: Membership) -> HttpResponse:
    """Read Roboflow's list as soon as a worker can, whatever the back-off says."""
    if not is_within_limit(request, "sync", key=str(membership.workspace.pk)):
        return too_often_page(request, "Roboflow was just asked.")
    Workspace.objects.filter(pk=membership.workspace.pk).update(sync_due_at=now())
    back = safe_next(request, request.POST.get("next"), f"/w/{membership.workspace.slug}/")
    return redirect_page(request, back)


def redirect_to_fleet(request: HttpRequest, workspace: str) -> HttpResponse:
    """`/w/<workspace>/deployments/` is the fleet page."""
    return redirect("fleet:list", workspace=workspace)
