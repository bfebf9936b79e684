"""The log page of a deployment: it reads the store, and asks a worker to fill it while somebody looks."""

from collections.abc import Iterator
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.timezone import now
from django.views.decorators.http import require_safe

from deployments.fleet.guard import deployment_required
from deployments.fleet.models import Deployment
from deployments.logs.harvest import request_harvest
from deployments.logs.lines import plain_text, render_html
from deployments.logs.models import Line
from deployments.logs.search import (
    DEFAULT_ENTRIES,
    RANGES,
    QueryForm,
    ShownRange,
    filter_lines,
    lines_in,
    newest_lines,
    severity_counts,
)
from deployments.workspaces.models import Membership
from deployments.workspaces.roles import Role
from portal.audit.export import record_export
from portal.web.export import export_response, stream_response
from portal.web.fragments import form_page, is_unchanged, nothing_new, page_or_part
from portal.web.limits import too_many_exports_page

COLUMNS = ("insert_id", "timestamp", "severity", "payload")


@require_safe
@deployment_required(Role.VIEWER)
def log(request: HttpRequest, membership: Membership, deployment: Deployment) -> HttpResponse:
    """Lines of a range, filtered; follows the end of the log while the range ends now."""
    moment, form = now(), QueryForm(request.GET)
    context: dict[str, Any] = {
        "form": form,
        "workspace": membership.workspace,
        "deployment": deployment,
        "tab": "logs",
        "ranges": list(RANGES),
    }
    if not form.is_valid():
        return form_page(request, "logs/log.html", context | {"lines": [], "range": None})
    data = form.cleaned_data
    linked = (
        Line.objects.filter(deployment=deployment, insert_id=data["line"]).first() if data["line"] else None
    )
    span = ShownRange(data, linked=linked, now=moment)
    state = request_harvest(deployment, since=span.start, now=moment)
    rows = lines_in(deployment, span)
    severity = "" if data["severity"] == "DEFAULT" else data["severity"]
    found = filter_lines(rows, text=data["q"], severity=severity)
    if (wanted := request.GET.get("format")) in ("csv", "jsonl", "txt"):
        what = f"log of {deployment.deployment_name}"
        if not record_export(request, membership.workspace, what=what, format=wanted):
            return too_many_exports_page(request)
        return download(found, wanted, count=data["max_entries"], name=f"{deployment.deployment_name}-log")
    rev = f"{state.revision}.{deployment.revision}"
    if is_unchanged(request, rev):
        return nothing_new()
    lines = newest_lines(found, data["max_entries"] or DEFAULT_ENTRIES)
    context |= {
        "lines": [(one, render_html(one.payload)) for one in lines],
        "range": span,
        "state": state,
        "rev": rev,
        "severities": severity_counts(rows),
        "live": span.is_live and not deployment.is_over,
        "linked": linked,
        "last": None if lines else newest_of(deployment),
        "query": data,
        "incomplete": bool(
            state.incomplete_to
            and state.incomplete_from
            and state.incomplete_to > span.start
            and state.incomplete_from < span.end
        ),
    }
    return page_or_part(request, "logs/log.html", context, part="logs/_log.html", region="log")


def newest_of(deployment: Deployment) -> Line | None:
    """Return the last stored line of all."""
    return Line.objects.filter(deployment=deployment).order_by("-timestamp").first()


def download(rows: Any, wanted: str, *, count: int | None, name: str) -> HttpResponse:
    """Stream what is shown, or all stored lines of the range when no number was given; oldest first."""
    found = newest_lines(rows, count) if count else rows.order_by("timestamp", "id").iterator(chunk_size=2000)
    if wanted == "txt":
        return stream_response(text_lines(found), format="txt", filename=name)  # type: ignore[return-value]
    return export_response(
        ({name: getattr(one, name) for name in COLUMNS} for one in found),
        columns=COLUMNS,
        format=wanted,
        filename=name,
    )  # type: ignore[return-value]


def text_lines(lines: Any) -> Iterator[str]:
    """Yield each log line as one line of text."""
    for one in lines:
        words = plain_text(one.payload).replace("\n", "\\n")
        yield f"{one.timestamp.isoformat()} {one.severity or '-'} {words}\n"
