"""Forms that change what a person sees: saved views of the fleet and its logs, columns, density."""

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from deployments.fleet.look import COLUMNS, DENSITIES, known_columns, moved_up
from deployments.fleet.models import SavedView
from deployments.fleet.saved import FLEET, LOGS, LONGEST_NAME, MOST_VIEWS, SavedViews
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
    page = forms.ChoiceField(required=False, choices=[(FLEET, FLEET), (LOGS, LOGS)])


@require_POST
@workspace_required(Role.VIEWER)
def save_view(request: HttpRequest, membership: Membership) -> HttpResponse:
    """Save the filters of the page under a name."""
    form = SaveViewForm(request.POST)
    place = address_of(membership, request.POST.get("page", ""))
    if not form.is_valid():
        messages.error(
            request,
            _("Give the view a name of at most %(most)s characters.") % {"most": LONGEST_NAME},
        )
        return redirect_page(request, safe_next(request, request.POST.get("next"), place))
    data = form.cleaned_data
    saved = SavedViews(membership, page=data["page"] or FLEET)
    view = saved.save(name=data["name"], query=data["query"], is_shared=data["shared"])
    if view is None:
        messages.error(
            request,
            _("You have %(most)s saved views here. Remove one first.") % {"most": MOST_VIEWS},
        )
        return redirect_page(request, place)
    return redirect_page(request, f"{place}?{view.query or 'all=1'}")


def address_of(membership: Membership, page: str) -> str:
    """Return the address of the page that saved views are of."""
    return reverse("logs:fleet" if page == LOGS else "fleet:list", args=[membership.workspace.slug])


@require_POST
@workspace_required(Role.VIEWER)
def change_view(request: HttpRequest, membership: Membership, view_id: int) -> HttpResponse:
    """Open the fleet with a view from now on, or no longer, or remove the view."""
    view = SavedView.objects.filter(pk=view_id, workspace=membership.workspace_id).first()
    if view is None or not view.is_visible_to(membership.user_id):
        raise Http404
    saved = SavedViews(membership, page=view.page)
    if "remove" in request.POST:
        if not saved.may_remove(view):
            raise Refused(needed=_("the role manager, because somebody else shares this view"))
        saved.remove(view)
    else:
        saved.set_default(view if "default" in request.POST else None)
    return redirect_page(request, f"{address_of(membership, saved.page)}?all=1")


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
