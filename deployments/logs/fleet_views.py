"""The logs of a whole workspace on one page: what every deployment wrote, also those that are gone."""

from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_safe

from deployments.fleet.saved import LOGS, SavedViews
from deployments.keys.regions import clock_difference, difference_words
from deployments.logs.answer import Answer, lines_context
from deployments.logs.download import FLEET_COLUMNS, FORMATS, download
from deployments.logs.models import Line, LineCount
from deployments.logs.news import newest_pk, news_page
from deployments.logs.search import KINDS, RANGES, FleetQueryForm, ShownRange, filter_lines, logs_named
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
        "saved": SavedViews(membership, page=LOGS),
        "of_workspace": True,
    }
    if not form.is_valid():
        return form_page(request, "logs/fleet.html", context | {"range": None})
    query, ahead = form.cleaned_data, clock_difference(workspace.region)
    answer = Answer(
        rows=rows_of(workspace, query),
        counts=counts_of(workspace, query),
        query=query,
        shown=ShownRange(query, linked=None, now=current_time + ahead),
        before=line_of(workspace, query["before"]),
        is_of_many=True,
    )
    file_format = request.GET.get("format", "")
    if file_format in FORMATS:
        return download(
            request,
            workspace,
            workspace.slug,
            filter_lines(answer.in_range, query | {"health": True}),
            file_format,
            count=query["max_entries"],
            pattern=query["pattern"] if answer.is_expression else None,
            columns=FLEET_COLUMNS,
        )
    after = newest_pk()  # before the lines are read: what is stored meanwhile comes with the next poll
    if is_unchanged(request, str(after)):
        return nothing_new()
    context |= {
        "range": answer.shown,
        "query": query,
        "before": answer.before,
        "rev": str(after),
        "live": answer.shown.is_live and not answer.before,
        "clock_difference": difference_words(ahead),
    }
    is_news = wants_part(request, "log-news")
    if not (is_news and answer.is_expression):
        context |= answer.head_context()
    if is_news:
        return news_page(request, answer, context)
    context["histogram"] = answer.histogram()
    if wants_part(request, "log-histogram"):
        return form_page(request, "logs/_histogram.html", context)
    page = answer.page()
    context |= lines_context(page, answer)
    context |= {"older": page.lines[0][0].pk if page.older else "", "after": after}
    return form_page(request, "logs/fleet.html", context)


def rows_of(workspace: Workspace, query: dict[str, Any]) -> Any:
    """Return the stored lines of the deployments that a query names."""
    return Line.objects.filter(deployment__in=logs_named(workspace, query))


def counts_of(workspace: Workspace, query: dict[str, Any]) -> Any:
    """Return the counts of the lines of these deployments."""
    counts = LineCount.objects.filter(workspace=workspace)
    if not (query.get("deployment") or query.get("creator")):
        return counts
    return counts.filter(deployment__in=logs_named(workspace, query))


def line_of(workspace: Workspace, number: str) -> Line | None:
    """Return the workspace's stored line with a number of the store, or None."""
    if not number.isdecimal() or len(number) > 18:
        return None
    return Line.objects.filter(deployment__workspace=workspace, pk=int(number)).first()
