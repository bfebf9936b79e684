"""Floors: what the same job costs in bare Django, in the process of the portal."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.urls import include, path

TIME = '<time datetime="{{ r.AT.isoformat }}">{{ r.AT|date:"Y-m-d H:i:s" }}</time>'
PAGE = "<!doctype html><html><body><table>{% for r in rows %}<tr>ROW</tr>{% endfor %}</table></body></html>"


def page_of(*cells: str) -> Any:
    """Return the compiled template of a table with these cells."""
    return engines["django"].from_string(PAGE.replace("ROW", "".join(f"<td>{cell}</td>" for cell in cells)))


def time_of(name: str) -> str:
    """Return the part of a template that shows a time of a row."""
    return TIME.replace("AT", name)


FLEET = page_of(
    '<a href="/x/{{ r.deployment_id }}/">{{ r.deployment_name }}</a>',
    '<span class="badge">{{ r.status }}</span>',
    "{{ r.machine_type }}",
    "{{ r.creator_email }}",
    time_of("status_since"),
    time_of("reported_at"),
    '<button name="pause">Pause</button><button name="more">...</button>',
)
LINES = page_of(time_of("timestamp"), "{{ r.severity }}", "{{ r.payload }}")
EVENTS = page_of(
    time_of("at"),
    '<a href="/x/{{ r.sequence }}/">{{ r.actor_name }}</a>',
    "{{ r.action }}",
    "{{ r.object_name }}",
    "{{ r.reason }}",
)
OPERATIONS = page_of(
    '<a href="/x/{{ r.pk }}/">{{ r.target_name }}</a>',
    "{{ r.kind }}",
    "{{ r.state }}",
    "{{ r.actor_name }}",
    time_of("requested_at"),
)


@login_required
def nothing(request: HttpRequest) -> HttpResponse:
    """Answer 204."""
    return HttpResponse(status=204)


@login_required
def fleet(request: HttpRequest) -> HttpResponse:
    """Show the first rows of the fleet, in one query."""
    from deployments.fleet.models import Deployment

    count = int(request.GET.get("rows", 100))
    rows = Deployment.objects.filter(gone_at=None).order_by("deployment_name").defer("upstream")[:count]
    return HttpResponse(FLEET.render({"rows": rows}, request))


@login_required
def lines(request: HttpRequest) -> HttpResponse:
    """Show the newest lines of one log, by primary key."""
    from deployments.logs.models import Line

    newest = Line.objects.filter(deployment=request.GET["deployment"]).order_by("-timestamp")
    rows = Line.objects.filter(pk__in=list(newest.values_list("pk", flat=True)[:500]))
    return HttpResponse(LINES.render({"rows": rows}, request))


@login_required
def events(request: HttpRequest) -> HttpResponse:
    """Show the newest entries of the trail."""
    from portal.audit.models import Event

    return HttpResponse(EVENTS.render({"rows": Event.objects.order_by("-sequence")[:50]}, request))


@login_required
def operations(request: HttpRequest) -> HttpResponse:
    """Show the newest operations."""
    from deployments.ledger.models import Operation

    rows = Operation.objects.filter(workspace=request.GET["workspace"]).order_by("-requested_at")[:50]
    return HttpResponse(OPERATIONS.render({"rows": rows}, request))


urlpatterns = [
    path("floor/nothing/", nothing),
    path("floor/fleet/", fleet),
    path("floor/lines/", lines),
    path("floor/events/", events),
    path("floor/operations/", operations),
    path("", include("portal.urls")),
]
