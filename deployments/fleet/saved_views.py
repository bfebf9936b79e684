"""Forms of the fleet page that change how it looks for a person: saved views, columns, density."""

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from deployments.fleet.look import COLUMNS, DENSITIES, known_columns, moved_up
from deployments.fleet.saved import LONGEST_NAME, MOST_VIEWS, SavedViews
from deployments.workspaces.guard import workspace_required
from deployments.workspaces.models import Membership
from deployments.workspaces.roles import Role
from portal.accounts.preferences import set_preferences
from portal.web.errors import Refused
from portal.web.fields import OneLineField
from portal.web.fragments import redirect_page
from portal.web.next import safe_next


class SaveViewForm(forms.Form):
    """The name of a saved view, and whether the team sees it."""

    name = OneLineField(max_length=LONGEST_NAME)
    shared = forms.BooleanField(required=False)
    query = forms.CharField(required=False, max_length=2000)


@require_POST
@workspace_required(Role.VIEWER)
def save_view(request: HttpRequest, membership: Membership) -> HttpResponse:
    """Save the filters of the page under a name."""
    form, fleet = SaveViewForm(request.POST), reverse("fleet:list", args=[membership.workspace.slug])
    if not form.is_valid():
        messages.error(
            request,
            _("Give the view a name of at most %(most)s characters.") % {"most": LONGEST_NAME},
        )
        return redirect_page(request, safe_next(request, request.POST.get("next"), fleet))
    data = form.cleaned_data
    view = SavedViews(membership).save(name=data["name"], query=data["query"], is_shared=data["shared"])
    if view is None:
        messages.error(
            request,
            _("You have %(most)s saved views here. Remove one first.") % {"most": MOST_VIEWS},
        )
        return redirect_page(request, fleet)
    return redirect_page(request, f"{fleet}?{view.query or 'all=1'}")


@require_POST
@workspace_required(Role.VIEWER)
def change_view(request: HttpRequest, membership: Membership, view_id: int) -> HttpResponse:
    """Open the fleet with a view from now on, or no longer, or remove the view."""
    saved = SavedViews(membership)
    view = saved.rows.filter(pk=view_id).first()
    if view is None:
        raise Http404
    if "remove" in request.POST:
        if not saved.may_remove(view):
            raise Refused(needed=_("the role manager, because somebody else shares this view"))
        view.delete()
    else:
        saved.set_default(view if "default" in request.POST else None)
    return redirect_page(request, f"{reverse('fleet:list', args=[membership.workspace.slug])}?all=1")


@require_POST
@workspace_required(Role.VIEWER)
def change_look(request: HttpRequest, membership: Membership) -> HttpResponse:
    """Store which columns the person wants, in which order, and how high rows are."""
    columns = known_columns(request.POST.getlist("column"))
    if "usual" in request.POST:
        columns = tuple(COLUMNS)
    density = request.POST.get("density", "")
    set_preferences(
        membership.user,
        columns=list(moved_up(columns, request.POST.get("left", ""))),
        density=density if density in DENSITIES else None,
    )
    fleet = reverse("fleet:list", args=[membership.workspace.slug])
    return redirect_page(request, safe_next(request, request.POST.get("next"), fleet))
