"""Pages about people: the first run, the profile, the rule about second factors. Sign-in is allauth's."""

from typing import cast

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_required
from django.db import IntegrityError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from portal.accounts.factors import NoFactorYourself, set_second_factor_required
from portal.accounts.forms import NewPersonForm, ProfileForm
from portal.accounts.guard import administrator_required
from portal.accounts.models import User
from portal.accounts.profile import change_profile
from portal.accounts.setup import AlreadySetUp, is_setup_open, is_setup_token, set_up_portal
from portal.audit.origin import origin_of
from portal.clock import now
from portal.web.fragments import form_page, redirect_page
from portal.web.next import safe_next


@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
def setup(request: HttpRequest) -> HttpResponse:
    """Create the first administrator: only with the link from the log, and only while there are no people."""
    if not is_setup_open():
        raise Http404
    token = request.POST.get("token") or request.GET.get("token", "")
    if not is_setup_token(token):
        return form_page(request, "accounts/setup_link.html", {})
    form = NewPersonForm(request.POST or None)
    if not form.is_valid():
        return form_page(request, "accounts/setup.html", {"form": form, "token": token})
    try:
        user = set_up_portal(**form.cleaned_data, by=origin_of(request), now=now())
    except AlreadySetUp:
        return redirect("account_login")
    login(request, user, backend=settings.SIGN_IN_BACKEND)
    return redirect_page(request, "/")


@login_required
@require_http_methods(["GET", "POST"])
def profile(request: HttpRequest) -> HttpResponse:
    """Change your own name and time zone."""
    user = cast(User, request.user)
    initial = {"name": user.name, "timezone": user.timezone}
    form = ProfileForm(request.POST or None, person=user, initial=initial)
    if not form.is_valid():
        return form_page(request, "accounts/profile.html", {"form": form})
    try:
        change_profile(user, **form.cleaned_data, by=origin_of(request), now=now())
    except IntegrityError:  # somebody has taken the name in this moment
        form.add_error("name", _("Somebody else has just taken this name."))
        return form_page(request, "accounts/profile.html", {"form": form})
    messages.success(request, _("Your profile is saved."))
    return redirect_page(request, request.path)


@require_POST
@administrator_required
def require_second_factor(request: HttpRequest) -> HttpResponse:
    """Require a second factor of everybody, or make it optional again."""
    required = request.POST.get("required") == "yes"
    try:
        set_second_factor_required(required, user=cast(User, request.user), by=origin_of(request), now=now())
    except NoFactorYourself:
        messages.error(
            request, _("Add a second factor of your own first. Otherwise this would lock you out.")
        )
        return redirect_page(request, reverse("mfa_index"))
    if required:
        messages.success(
            request, _("Everybody needs a second factor now. People without one are asked to add one.")
        )
    else:
        messages.success(request, _("A second factor is optional now."))
    return redirect_page(request, safe_next(request, request.POST.get("next"), "/"))
