"""The page of one line of a log: the whole of it, what it says, and the lines around it."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from deployments.fleet.guard import deployment_required
from deployments.fleet.header import header_context
from deployments.fleet.models import Deployment
from deployments.logs.lines import render_html
from deployments.logs.meaning import fields_of, meaning_of, value_text
from deployments.logs.models import Line
from deployments.logs.pages import lines_around
from deployments.logs.request_lines import RequestLine
from deployments.workspaces.models import Membership
from deployments.workspaces.roles import Role
from portal.web.fragments import form_page, wants_part

CONTEXT_LINES = 20  # before the line, and after it


@require_safe
@deployment_required(Role.VIEWER)
def line(request: HttpRequest, membership: Membership, deployment: Deployment) -> HttpResponse:
    """Show the line with the id of the query string, or say that it is not stored (any more).

    The address stays right as long as the line is kept, also when the deployment is gone.
    """
    insert_id = request.GET.get("id", "")
    found = Line.objects.filter(deployment=deployment, insert_id=insert_id).first()
    context: dict[str, Any] = {
        **header_context(membership, deployment, tab="logs"),
        "line": found,
        "linked": found,
        "log_days": settings.LOG_RETENTION_DAYS,
        "is_alone": wants_part(request, "line-view"),
    }
    if found:
        context |= line_context(found, request.build_absolute_uri())
    template = "logs/_line_view.html" if context["is_alone"] else "logs/line.html"
    response = form_page(request, template, context)
    response.status_code = 200 if found or context["is_alone"] else 404
    return response


def line_context(found: Line, address: str) -> dict[str, Any]:
    """Return what the page shows of a stored line. `address` is that of the page."""
    fields, request_line = fields_of(found.payload), meaning_of(found.payload, found.severity).request
    facts = [(_("Level"), found.shown_level), (_("Severity at Roboflow"), found.severity or _("none"))]
    if request_line:
        facts += request_facts(request_line)
    facts += [(name, value_text(value)) for name, value in fields.items()]
    return {
        "address": address,
        "log_url": reverse(
            "logs:deployment", args=[found.deployment.workspace.slug, found.deployment.deployment_id]
        ),
        "facts": facts,
        "around": [(one, render_html(one.beginning)) for one in lines_around(found, CONTEXT_LINES)],
    }


def request_facts(request_line: RequestLine) -> list[tuple[str, str]]:
    """Return the names and values of a request, those that the line tells."""
    taken = request_line.milliseconds
    told = [
        (_("Method"), request_line.method),
        (_("Path"), request_line.path),
        (_("Model"), request_line.model),
        (_("Status"), str(request_line.status)),
        (_("Time"), "" if taken is None else _("%(number)s ms") % {"number": f"{taken:.3g}"}),
    ]
    return [(name, value) for name, value in told if value]
