"""The page of a deployment's requests: how many, how they were answered, and which."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from deployments.fleet.guard import deployment_required
from deployments.fleet.header import header_context
from deployments.fleet.models import Deployment
from deployments.fleet.timeline import RANGES
from deployments.keys.regions import roboflow_time
from deployments.logs.models import Harvest
from deployments.logs.request_sums import (
    NEWEST_REQUESTS,
    newest_routes,
    percent,
    request_histogram,
    request_sums,
    share_bars,
)
from deployments.logs.spans import Span
from deployments.workspaces.models import Membership
from deployments.workspaces.roles import Role
from portal.clock import now
from portal.web.fragments import is_unchanged, nothing_new, page_or_part

SHOWN_ROUTES = 50


@require_safe
@deployment_required(Role.VIEWER)
def requests_page(request: HttpRequest, membership: Membership, deployment: Deployment) -> HttpResponse:
    """Show the requests of the last day, week or month, as far as lines of that time are stored."""
    range_name = request.GET.get("range", "24h")
    range_name = range_name if range_name in RANGES else "24h"
    harvest = Harvest.objects.filter(deployment=deployment).first()
    rev = f"{harvest.revision if harvest else 0}.{deployment.revision}"
    if is_unchanged(request, rev):
        return nothing_new()
    end = roboflow_time(membership.workspace.region, now())
    span = Span(end - RANGES[range_name], end)
    histogram, sums = request_histogram(deployment, span), request_sums(deployment, span)
    routes = newest_routes(deployment, span.start)
    context = {
        **header_context(membership, deployment, tab="requests"),
        "rev": rev,
        "ranges": list(RANGES),
        "range_name": range_name,
        "histogram": histogram,
        "shares": share_bars(histogram.bars),
        "sums": sums,
        "error_share": percent(sums.error_share),
        "routes": routes[:SHOWN_ROUTES],
        "more_routes": max(0, len(routes) - SHOWN_ROUTES),
        "newest_requests": NEWEST_REQUESTS,
    }
    return page_or_part(request, "logs/requests.html", context, part="logs/_requests.html", region="requests")
