"""The log page of a deployment. It shows stored lines, and has a worker read new ones while it is open."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from deployments.fleet.guard import deployment_required
from deployments.fleet.header import header_context
from deployments.fleet.models import Deployment
from deployments.keys.regions import difference_text, portal_time, roboflow_time
from deployments.logs.due import request_harvest
from deployments.logs.lines import render_html
from deployments.logs.models import Harvest, Line
from deployments.logs.pages import (
    DOWNLOAD_FETCH,
    LogPage,
    before_line,
    fetch_lines,
    newest_page,
    newest_whole_lines,
    page_around,
)
from deployments.logs.search import (
    DEFAULT_SHOWN_LINES,
    KINDS,
    RANGES,
    QueryForm,
    ShownRange,
    filter_lines,
    hidden_health_checks,
    level_counts,
    lines_in,
)
from deployments.logs.spans import Span
from deployments.logs.unread import SHOWN_PARTS, unread_parts
from deployments.workspaces.models import Membership
from deployments.workspaces.roles import Role
from portal.audit.export import begin_export
from portal.clock import now
from portal.web.export import export_response, stream_response
from portal.web.fields import parse_typed_time
from portal.web.fragments import form_page, is_unchanged, nothing_new, vary_on_htmx, wants_part

COLUMNS = ("insert_id", "timestamp", "severity", "payload")
FORMATS = ("csv", "jsonl", "txt")
MOST_NEWS = 300  # new lines in one answer; the next poll brings the others


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
    file_format = request.GET.get("format", "")
    is_download = file_format in FORMATS  # of all lines that are asked for, health checks as well
    found = filter_lines(in_range, query | {"health": query["health"] or is_download})
    if query["only"]:
        found = Line.objects.filter(deployment=deployment, insert_id=query["line"])
    if is_download:
        return download(request, membership, deployment, found, file_format, count=query["max_entries"])
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
        **head_context(deployment, state, in_range, query, shown, now=current_time),
        **last_context(deployment),
    }
    if wants_part(request, "log-news"):
        return news(request, found, context)
    page = log_page(found, before=before, linked=linked, count=query["max_entries"] or DEFAULT_SHOWN_LINES)
    context |= {
        "lines": page.lines,
        "has_lines": bool(page.lines),
        "page": page,
        "after": after,
        "oldest": page.lines[0][0].timestamp if page.lines else shown.start,
        "empty": "" if page.lines else "1",
        "linked": linked,
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


def last_context(deployment: Deployment) -> dict[str, Any]:
    """Return the newest stored line, and when it was written by the portal's clock: for an empty range."""
    last = newest_of(deployment)
    at = portal_time(deployment.workspace.region, last.timestamp) if last else None
    return {"last": last, "last_at": at}


def news(request: HttpRequest, found: QuerySet[Line], context: dict[str, Any]) -> HttpResponse:
    """Return the lines of `found` that were stored after the line `after`, for the end of an open page.

    What is older than the oldest line of the page, `oldest`, is left to the page of older lines.
    """
    after, oldest = request.GET.get("after", ""), parse_typed_time(request.GET.get("oldest", ""))
    if not (after.isdecimal() and len(after) < 19) or oldest is None:
        raise Http404
    pks = list(
        found.filter(pk__gt=int(after), timestamp__gte=oldest)
        .order_by("pk")
        .values_list("pk", flat=True)[: MOST_NEWS + 1]
    )
    newest = pks[MOST_NEWS - 1] if len(pks) > MOST_NEWS else max([int(after), *pks])
    lines = [
        (line, render_html(line.beginning))  # type: ignore[attr-defined] # annotated by fetch_lines
        for line in fetch_lines(found.filter(pk__in=pks[:MOST_NEWS]), "timestamp", "id")
    ]
    is_empty = "empty" in request.GET and not lines  # the page has no line yet
    context |= {
        "lines": lines,
        "has_lines": not is_empty,
        "after": newest,
        "oldest": oldest,
        "empty": "1" if is_empty else "",
    }
    if len(pks) > MOST_NEWS:
        context["rev"] = ""  # the next poll brings the others
    return vary_on_htmx(render(request, "logs/_news.html", context))


def newest_pk() -> int:
    """Return the number of the line that was stored last, of any log; 0 when there is none."""
    return Line.objects.order_by("-pk").values_list("pk", flat=True).first() or 0


def log_page(found: QuerySet[Line], *, before: Line | None, linked: Line | None, count: int) -> LogPage:
    """Return the page before the line `before`, or around the line `linked`, or the newest one."""
    if before:
        return newest_page(before_line(found, before), count)
    return page_around(found, linked, count) if linked else newest_page(found, count)


def linked_line(deployment: Deployment, insert_id: str) -> Line | None:
    """Return the stored line with this id, or None. An empty id links to no line."""
    return Line.objects.filter(deployment=deployment, insert_id=insert_id).first() if insert_id else None


def newest_of(deployment: Deployment) -> Line | None:
    """Return the deployment's newest stored line, or None."""
    return Line.objects.filter(deployment=deployment).order_by("-timestamp").first()


def download(
    request: HttpRequest,
    membership: Membership,
    deployment: Deployment,
    found: QuerySet[Line],
    file_format: str,
    *,
    count: int | None,
) -> HttpResponseBase:
    """Return a file of the newest `count` lines, or of all if it is None, oldest first; audit the export.

    Return a page that says why instead when the person may not export now.
    """
    name = deployment.deployment_name
    started = begin_export(request, membership.workspace, what=f"log of {name}", format=file_format)
    if isinstance(started, HttpResponse):
        return started
    lines: Iterable[Line] = found.order_by("timestamp", "id").iterator(chunk_size=DOWNLOAD_FETCH)
    if count:
        lines = newest_whole_lines(found, count)
    if file_format == "txt":
        return stream_response(text_lines(lines), format="txt", filename=f"{name}-log", download=started)
    rows = ({column: getattr(line, column) for column in COLUMNS} for line in lines)
    return export_response(
        request,
        rows,
        columns=COLUMNS,
        format=file_format,
        filename=f"{name}-log",
        download=started,
    )


def text_lines(lines: Iterable[Line]) -> Iterator[str]:
    """Yield each log line as one line of text: time, severity, the text that pages show."""
    for line in lines:
        text = line.plain.replace("\n", "\\n")
        yield f"{line.timestamp.isoformat()} {line.severity or '-'} {text}\n"
