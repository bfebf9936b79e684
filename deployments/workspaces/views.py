"""The home page: redirects to the workspace that the person used last."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from deployments.workspaces.models import Membership
from portal.accounts.setup import is_setup_open


def home(request: HttpRequest) -> HttpResponse:
    """Redirect to the person's workspace, or to the set-up as long as no person exists."""
    if not request.user.is_authenticated and is_setup_open():
        return redirect("accounts:setup")
    return redirect_home(request)


@login_required
def redirect_home(request: HttpRequest) -> HttpResponse:
    """Redirect to the workspace used last, or to the first one by name; without any, to Keys."""
    memberships = Membership.objects.of_person(request.user)  # type: ignore[arg-type]
    slugs = [membership.workspace.slug for membership in memberships]
    if not slugs:
        return redirect("keys:list")
    last_slug = request.session.get("workspace")
    return redirect("fleet:list", workspace=last_slug if last_slug in slugs else slugs[0])
