"""The page of one deployment."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from deployments.fleet.guard import deployment_required
from deployments.fleet.models import Deployment
from deployments.fleet.overview import overview_of
from deployments.fleet.page import may_act
from deployments.fleet.prices import credits_per_hour
from deployments.fleet.rows import fleet_row, with_last_step
from deployments.fleet.timeline import RANGES, timeline_segments
from deployments.ledger.kinds import DELETED
from deployments.workspaces.models import Membership
from deployments.workspaces.revision import page_revision
from deployments.workspaces.roles import Role
from portal.clock import now
from portal.web.fragments import is_unchanged, nothing_new, page_or_part
from portal.web.paging import keyset_page

LISTED_STEPS = 50  # on one page


@require_safe
@deployment_required(Role.VIEWER)
def detail(request: HttpRequest, membership: Membership, deployment: Deployment) -> HttpResponse:
    """Show one deployment, also one that is gone: its facts, timeline, latest operations and events."""
    workspace, current_time = membership.workspace, now()
    rev = page_revision(workspace, now=current_time)
    if is_unchanged(request, rev):
        return nothing_new(workspace.synced_at)
    operation = overview_of(membership).asked.about(deployment)
    annotated = with_last_step(Deployment.objects.filter(pk=deployment.pk)).get()
    annotated.workspace = workspace
    row = fleet_row(annotated, operation)
    context = {
        "workspace": workspace,
        "membership": membership,
        "deployment": deployment,
        "row": row,
        "rev": rev,
        "tab": "overview",
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
