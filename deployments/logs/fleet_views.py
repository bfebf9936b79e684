"""The logs of a whole workspace on one page: what every deployment wrote, also those that are gone."""

from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_safe

from deployments.keys.regions import difference_text, roboflow_time
from deployments.logs.download import FLEET_COLUMNS, FORMATS, download
from deployments.logs.models import Line
from deployments.logs.news import newest_pk, news_page
from deployments.logs.pages import before_line, newest_page
from deployments.logs.search import (
    DEFAULT_SHOWN_LINES,
    KINDS,
    RANGES,
    FleetQueryForm,
    ShownRange,
    filter_lines,
    hidden_health_checks,
    level_counts,
    lines_of_workspace,
    terms_of,
)
from deployments.workspaces.guard import workspace_required
from deployments.workspaces.models import Membership, Workspace
from deployments.workspaces.roles import Role
from portal.clock import now
from portal.web.fragments import form_page, is_unchanged, nothing_new, wants_part


@require_safe
@workspace_required(Role.VIEWER)
def fleet_log(request: HttpRequest, membership: Membership) -> HttpResponseBase:
    """Show or download the lines of all deployments that the query string asks for."""
    workspace, current_time = membership.workspace, now()
    form = FleetQueryForm(request.GET)
    context: dict[str, Any] = {
        "form": form,
        "workspace": workspace,
        "ranges": list(RANGES),
        "kinds": KINDS,
        "of_workspace": True,
    }
    if not form.is_valid():
        return form_page(request, "logs/fleet.html", context | {"range": None})
    query = form.cleaned_data
    shown = ShownRange(query, linked=None, now=roboflow_time(workspace.region, current_time))
    in_range = lines_of_workspace(workspace, query, shown).select_related("deployment__workspace")
    file_format = request.GET.get("format", "")
    if file_format in FORMATS:
        found = filter_lines(in_range, query | {"health": True})
        count = query["max_entries"]
        return download(
            request, workspace, workspace.slug, found, file_format, count=count, columns=FLEET_COLUMNS
        )
    after = newest_pk()  # before the lines are read: what is stored meanwhile comes with the next poll
    if is_unchanged(request, str(after)):
        return nothing_new()
    before = line_of(workspace, query["before"])
    found = filter_lines(in_range, query)
    context |= {
        "range": shown,
        "before": before,
        "rev": str(after),
        "live": shown.is_live and not before,
        "query": query,
        "terms": terms_of(query["q"]),
        "levels": level_counts(filter_lines(in_range, query | {"level": ""})),
        "health_count": hidden_health_checks(in_range, query),
        "clock_difference": difference_text(workspace.region),
    }
    if wants_part(request, "log-news"):
        return news_page(request, found, context)
    count = query["max_entries"] or DEFAULT_SHOWN_LINES
    page = newest_page(before_line(found, before) if before else found, count, terms=context["terms"])
    context |= {
        "lines": page.lines,
        "has_lines": bool(page.lines),
        "page": page,
        "older": page.lines[0][0].pk if page.older else "",
        "after": after,
        "oldest": page.lines[0][0].timestamp if page.lines else shown.start,
        "empty": "" if page.lines else "1",
    }
    return form_page(request, "logs/fleet.html", context)


def line_of(workspace: Workspace, number: str) -> Line | None:
    """Return the workspace's stored line with a number of the store, or None."""
    if not number.isdecimal() or len(number) > 18:
        return None
    return Line.objects.filter(deployment__workspace=workspace, pk=int(number)).first()
