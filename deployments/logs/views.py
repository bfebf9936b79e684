"""The log page of a deployment. It shows stored lines, and has a worker read new ones while it is open."""

from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_safe

from deployments.fleet.guard import deployment_required
from deployments.fleet.header import header_context
from deployments.fleet.models import Deployment
from deployments.keys.regions import difference_text, portal_time, roboflow_time
from deployments.logs.download import FORMATS, download
from deployments.logs.due import request_harvest
from deployments.logs.models import Harvest, Line
from deployments.logs.news import newest_pk, news_page
from deployments.logs.pages import (
    LogPage,
    before_line,
    newest_page,
    page_around,
)
from deployments.logs.search import (
    DEFAULT_SHOWN_LINES,
    HEALTH_KIND,
    KINDS,
    RANGES,
    QueryForm,
    ShownRange,
    filter_lines,
    hidden_health_checks,
    level_counts,
    lines_in,
    terms_of,
)
from deployments.logs.spans import Span
from deployments.logs.unread import SHOWN_PARTS, unread_parts
from deployments.workspaces.models import Membership
from deployments.workspaces.roles import Role
from portal.clock import now
from portal.web.fragments import form_page, is_unchanged, nothing_new, wants_part


@require_safe
@deployment_required(Role.VIEWER)
def log(request: HttpRequest, membership: Membership, deployment: Deployment) -> HttpResponseBase:
    """Show or download the lines that the query string asks for. A range that ends now is polled.

    The range is in Roboflow's clock, because the times of the lines are.
    """
    current_time, region = now(), membership.workspace.region
    form = QueryForm(request.GET)
    context: dict[str, Any] = {"form": form, "ranges": list(RANGES), "kinds": KINDS, "deployment": deployment}
    if not form.is_valid():
        context |= {"lines": [], "range": None, **header_context(membership, deployment, tab="logs")}
        return form_page(request, "logs/log.html", context)
    query = form.cleaned_data
    linked = linked_line(deployment, query["line"])
    shown = ShownRange(query, linked=linked, now=roboflow_time(region, current_time))
    state = request_harvest(deployment, since=shown.start, now=current_time)
    in_range = lines_in(deployment, shown)
    if linked and linked.kind == HEALTH_KIND:
        query["health"] = True  # a link to a line leads to that line
    file_format = request.GET.get("format", "")
    is_download = file_format in FORMATS  # of all lines that are asked for, health checks as well
    found = filter_lines(in_range, query | {"health": query["health"] or is_download})
    if query["only"]:
        found = Line.objects.filter(deployment=deployment, insert_id=query["line"])
    if is_download:
        name = deployment.deployment_name
        count = query["max_entries"]
        return download(request, membership.workspace, name, found, file_format, count=count)
    rev = f"{state.revision}.{deployment.revision}"
    if is_unchanged(request, rev):
        return nothing_new()
    before = linked_line(deployment, query["before"])
    after = newest_pk()  # before the lines are read: what is stored meanwhile comes with the next poll
    context |= {
        "before": before,
        "range": shown,
        "state": state,
        "rev": rev,
        "live": shown.is_live and not deployment.is_over and not before,
        "query": query,
        "terms": terms_of(query["q"]),
        **head_context(deployment, state, in_range, query, shown, now=current_time),
    }
    if wants_part(request, "log-news"):
        context |= last_context(deployment, is_empty="empty" in request.GET)
        return news_page(request, found, context)
    count = query["max_entries"] or DEFAULT_SHOWN_LINES
    page = log_page(found, before=before, linked=linked, count=count, terms=context["terms"])
    context |= {
        "lines": page.lines,
        "has_lines": bool(page.lines),
        "page": page,
        "older": page.older,
        "after": after,
        "oldest": page.lines[0][0].timestamp if page.lines else shown.start,
        "empty": "" if page.lines else "1",
        "linked": linked,
        **last_context(deployment, is_empty=not page.lines),
        **header_context(membership, deployment, tab="logs"),
    }
    return form_page(request, "logs/log.html", context | {"form": form})


def head_context(
    deployment: Deployment,
    state: Harvest,
    in_range: QuerySet[Line],
    query: dict[str, Any],
    shown: ShownRange,
    *,
    now: datetime,
) -> dict[str, Any]:
    """Return what stands above the lines: levels with counts, hidden health checks, what was not read."""
    unread = unread_parts(deployment, state, Span(shown.start, shown.end), now=now)
    return {
        "levels": level_counts(filter_lines(in_range, query | {"level": ""})),
        "health_count": hidden_health_checks(in_range, query),
        "clock_difference": difference_text(deployment.workspace.region),
        "unread": unread[:SHOWN_PARTS],
        "unread_more": max(0, len(unread) - SHOWN_PARTS),
    }


def last_context(deployment: Deployment, *, is_empty: bool) -> dict[str, Any]:
    """Return, for an empty range, the newest stored line and when it was written by the portal's clock."""
    if not is_empty:
        return {}
    last = newest_of(deployment)
    at = portal_time(deployment.workspace.region, last.timestamp) if last else None
    return {"last": last, "last_at": at}


def log_page(
    found: QuerySet[Line], *, before: Line | None, linked: Line | None, count: int, terms: list[str]
) -> LogPage:
    """Return the page before the line `before`, or around the line `linked`, or the newest one."""
    if before:
        return newest_page(before_line(found, before), count, terms=terms)
    if linked:
        return page_around(found, linked, count, terms=terms)
    return newest_page(found, count, terms=terms)


def linked_line(deployment: Deployment, insert_id: str) -> Line | None:
    """Return the stored line with this id, or None. An empty id links to no line."""
    return Line.objects.filter(deployment=deployment, insert_id=insert_id).first() if insert_id else None


def newest_of(deployment: Deployment) -> Line | None:
    """Return the deployment's newest stored line, or None."""
    return Line.objects.filter(deployment=deployment).order_by("-timestamp").first()
