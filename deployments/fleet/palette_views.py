"""The palette: a search over deployments, pages, people and actions that opens over every page."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from deployments.fleet.palette import LONGEST_TEXT, Palette
from deployments.workspaces.guard import workspace_required
from deployments.workspaces.models import Membership
from deployments.workspaces.roles import Role


@require_safe
@workspace_required(Role.VIEWER)
def palette(request: HttpRequest, membership: Membership) -> HttpResponse:
    """Return the entries for the text `find`."""
    text = request.GET.get("find", "").strip()[:LONGEST_TEXT]
    return render(request, "fleet/_palette.html", {"palette": Palette(membership, text)})
