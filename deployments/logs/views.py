"""The log page of a deployment. It shows stored lines, and has a worker read new ones while it is open."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_safe

from deployments.fleet.guard import deployment_required
from deployments.fleet.header import header_context
from deployments.fleet.models import Deployment
from deployments.fleet.saved import LOGS, SavedViews
from deployments.keys.regions import clock_difference, difference_words, portal_time
from deployments.logs.answer import Answer, lines_context
from deployments.logs.download import FORMATS, download
from deployments.logs.due import request_harvest
from deployments.logs.histogram import marks_in
from deployments.logs.meaning import HEALTH_KIND
from deployments.logs.models import Harvest, Line, LineCount
from deployments.logs.news import newest_pk, news_page
from deployments.logs.search import KINDS, RANGES, QueryForm, ShownRange, filter_lines
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
    current_time, form = now(), QueryForm(request.GET)
    context: dict[str, Any] = {
        "form": form,
        "ranges": list(RANGES),
        "kinds": KINDS,
        "deployment": deployment,
        "log_url": request.path,
        "saved": SavedViews(membership, page=LOGS),
    }
    if not form.is_valid():
        context |= {"lines": [], "range": None, **header_context(membership, deployment, tab="logs")}
        return form_page(request, "logs/log.html", context)
    query = form.cleaned_data
    linked = linked_line(deployment, query["line"])
    ahead = clock_difference(membership.workspace.region)
    answer = answer_of(deployment, query, linked=linked, present=current_time + ahead)
    state = request_harvest(deployment, since=answer.shown.start, now=current_time)
    if (file_format := request.GET.get("format", "")) in FORMATS:
        return log_download(request, membership, deployment, answer, file_format)
    rev = f"{state.revision}.{deployment.revision}"
    if is_unchanged(request, rev):
        return nothing_new()
    after = newest_pk()  # before the lines are read: what is stored meanwhile comes with the next poll
    context |= {
        "range": answer.shown,
        "query": query,
        "before": answer.before,
        "linked": linked,
        "is_link_lost": bool(query["line"]) and linked is None,
        "log_days": settings.LOG_RETENTION_DAYS,
        "state": state,
        "rev": rev,
        "live": answer.shown.is_live and not deployment.is_over and not answer.before,
        "clock_difference": difference_words(ahead),
        **unread_context(deployment, state, answer.span, now=current_time, present=current_time + ahead),
    }
    if is_news := wants_part(request, "log-news"):
        context |= last_context(deployment, is_empty="empty" in request.GET)
    if not (is_news and answer.is_expression):
        context |= answer.head_context()
    if is_news:
        return news_page(request, answer, context)
    context["histogram"] = answer.histogram(marks_in(deployment, answer.span, ahead=ahead))
    if wants_part(request, "log-histogram"):
        return form_page(request, "logs/_histogram.html", context)
    page = answer.page(linked=linked)
    context |= {
        **lines_context(page, answer),
        "older": page.older,
        "after": after,
        **last_context(deployment, is_empty=not page.lines),
        **header_context(membership, deployment, tab="logs"),
    }
    return form_page(request, "logs/log.html", context)


def answer_of(
    deployment: Deployment, query: dict[str, Any], *, linked: Line | None, present: datetime
) -> Answer:
    """Return the answer to a query about the log of one deployment. A link to a line leads to that line.

    Roboflow's clock shows `present`.
    """
    if linked and linked.kind == HEALTH_KIND:
        query["health"] = True
    return Answer(
        rows=Line.objects.filter(deployment=deployment),
        counts=LineCount.objects.filter(deployment=deployment),
        query=query,
        shown=ShownRange(query, linked=linked, now=present),
        before=linked_line(deployment, query["before"]),
    )


def log_download(
    request: HttpRequest, membership: Membership, deployment: Deployment, answer: Answer, file_format: str
) -> HttpResponseBase:
    """Return the file of all lines that the query finds, with health checks, or of the linked line alone."""
    query = answer.query
    found = filter_lines(answer.in_range, query | {"health": True})
    if query["only"]:
        found = answer.rows.filter(insert_id=query["line"])
    return download(
        request,
        membership.workspace,
        deployment.deployment_name,
        found,
        file_format,
        count=query["max_entries"],
        pattern=query["pattern"] if answer.is_expression and not query["only"] else None,
    )


def unread_context(
    deployment: Deployment, state: Harvest, span: Span, *, now: datetime, present: datetime
) -> dict[str, Any]:
    """Return what the page says of the parts of its range that were not read."""
    unread = unread_parts(deployment, state, span, now=now, present=present)
    return {"unread": unread[:SHOWN_PARTS], "unread_more": max(0, len(unread) - SHOWN_PARTS)}


def last_context(deployment: Deployment, *, is_empty: bool) -> dict[str, Any]:
    """Return, for an empty range, the newest stored line and when it was written by the portal's clock."""
    if not is_empty:
        return {}
    last = newest_of(deployment)
    at = portal_time(deployment.workspace.region, last.timestamp) if last else None
    return {"last": last, "last_at": at}


def linked_line(deployment: Deployment, insert_id: str) -> Line | None:
    """Return the stored line with this id, or None. An empty id links to no line."""
    return Line.objects.filter(deployment=deployment, insert_id=insert_id).first() if insert_id else None


def newest_of(deployment: Deployment) -> Line | None:
    """Return the deployment's newest stored line, or None."""
    return Line.objects.filter(deployment=deployment).order_by("-timestamp").first()
