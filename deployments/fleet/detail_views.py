"""The page of one deployment."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from deployments.fleet.guard import deployment_required
from deployments.fleet.header import header_context
from deployments.fleet.history import history_of
from deployments.fleet.models import Deployment
from deployments.fleet.samples import call_samples
from deployments.fleet.state_bar import state_bar
from deployments.fleet.timeline import RANGES
from deployments.workspaces.models import Membership
from deployments.workspaces.revision import page_revision
from deployments.workspaces.roles import Role
from portal.clock import now
from portal.web.fragments import is_unchanged, nothing_new, page_or_part, wants_part


@require_safe
@deployment_required(Role.VIEWER)
def detail(request: HttpRequest, membership: Membership, deployment: Deployment) -> HttpResponse:
    """Show one deployment, also one that is gone: its states with their cost, its history and its facts.

    The header is asked for by all tabs of a deployment, so it can be had alone.
    """
    current_time = now()
    rev = page_revision(membership.workspace, now=current_time)
    if is_unchanged(request, rev):
        return nothing_new(membership.workspace.synced_at)
    context = header_context(membership, deployment, tab="overview")
    if wants_part(request, "deployment-header"):
        return page_or_part(request, "", context, part="fleet/_header.html", region="deployment-header")
    context |= {
        "rev": rev,
        "ranges": list(RANGES),
        "bar": state_bar(deployment, range_name=chosen_range(request), now=current_time),
        "history": history_of(deployment, before=request.GET.get("before"), now=current_time),
        "samples": call_samples(deployment.host_name),
    }
    return page_or_part(
        request, "fleet/deployment.html", context, part="fleet/_deployment.html", region="deployment"
    )


def chosen_range(request: HttpRequest) -> str:
    """Return the name of the state bar's range that the query string chooses, or the shortest."""
    name = request.GET.get("range", "24h")
    return name if name in RANGES else "24h"
