"""The whole trail, for administrators of the portal. It also has sign-ins, profiles and settings."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from deployments.activity.feeds import (
    entry_page,
    export_if_wanted,
    feed_context,
    refuse_wrong_times,
)
from portal.accounts.guard import administrator_required
from portal.audit.integrity import integrity_context
from portal.audit.models import Event, Head
from portal.audit.origin import origin_of
from portal.audit.verify_requests import request_verification
from portal.clock import now
from portal.web.fragments import is_unchanged, nothing_new, page_or_part, redirect_page, wants_part
from portal.web.limits import is_within_limit, too_often_page
from portal.web.next import safe_next

TRAIL_ACTIONS = (  # of the facet: the beginning of an action, and its label
    ("deployment", gettext_lazy("Deployments")),
    ("signin", gettext_lazy("Sign-ins")),
    ("second_factor", gettext_lazy("Second factors")),
    ("password", gettext_lazy("Passwords")),
    ("person", gettext_lazy("People")),
    ("key", gettext_lazy("Keys")),
    ("member", gettext_lazy("Members")),
    ("invitation", gettext_lazy("Invitations")),
    ("export", gettext_lazy("Exports")),
    ("access", gettext_lazy("Refused access")),
    ("trail", gettext_lazy("Verifications")),
)


@require_safe
@administrator_required
def trail(request: HttpRequest) -> HttpResponseBase:
    """Show everything that happened in the portal, newest first."""
    if wants_part(request, "integrity"):
        return render(request, "audit/_integrity.html", integrity_context())
    revision = str(Head.objects.filter(pk=1).values_list("sequence", flat=True).first() or 0)
    if is_unchanged(request, revision):
        return nothing_new()
    events = Event.objects.all()
    context = {"rev": revision, "base": reverse("activity:trail"), "show_workspace": True}
    if page := refuse_wrong_times(request, "activity/trail.html", context, events, actions=TRAIL_ACTIONS):
        return page
    if export := export_if_wanted(request, events, workspace=None, what="trail", filename="trail"):
        return export
    context |= feed_context(request, events, actions=TRAIL_ACTIONS)
    return page_or_part(request, "activity/trail.html", context, part="audit/_feed.html", region="feed")


@require_safe
@administrator_required
def trail_entry(request: HttpRequest, sequence: int) -> HttpResponse:
    """Show one entry with all fields."""
    back = reverse("activity:trail")
    return entry_page(request, Event.objects.all(), sequence, back=back, back_label=_("Audit log"))


@require_POST
@login_required
def verify_now(request: HttpRequest) -> HttpResponse:
    """Ask a worker to verify the trail. The integrity card shows the result."""
    if not is_within_limit(request, "verify"):
        return too_often_page(request, _("The trail was just verified."))
    if not request_verification(by=origin_of(request), now=now()):
        messages.info(request, _("The trail will be verified as soon as a worker can be reached."))
    return redirect_page(request, safe_next(request, request.POST.get("next"), "/"))
