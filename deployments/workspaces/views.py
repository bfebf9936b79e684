"""The front door: to the workspace that a person used last."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from deployments.workspaces.models import Membership
from portal.accounts.setup import is_setup_open


def home(request: HttpRequest) -> HttpResponse:
    """Lead to the last used or only workspace, else to Keys; before there is anybody, to the set-up."""
    if not request.user.is_authenticated and is_setup_open():
        return redirect("accounts:setup")
    return redirect_home(request)


@login_required
def redirect_home(request: HttpRequest) -> HttpResponse:
    """Lead a person to where they were."""
    slugs = [one.workspace.slug for one in Membership.objects.of_person(request.user)]  # type: ignore[arg-type]
    if not slugs:
        return redirect("keys:list")
    last = request.session.get("workspace")
    return redirect("fleet:list", workspace=last if last in slugs else slugs[0])
