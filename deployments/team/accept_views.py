"""The page behind the link of an invitation."""

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from deployments.team.invite import (
    AccountExists,
    NameTaken,
    NoInvitation,
    accept_invitation,
    find_invitation,
)
from deployments.team.models import Invitation
from deployments.workspaces.join import NotConfirmed
from portal.accounts.forms import NameAndPasswordForm
from portal.accounts.models import User
from portal.audit.origin import origin_of
from portal.clock import now
from portal.web.fragments import form_page, redirect_page


@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
def accept(request: HttpRequest, token: str) -> HttpResponse:
    """Show an invitation and accept it, as the signed-in person or as somebody new.

    Somebody who has an account and is not signed in signs in first.
    """
    try:
        invitation = find_invitation(token, now=now())
    except NoInvitation:
        return form_page(request, "team/no_invitation.html", {})
    if request.user.is_authenticated:
        return accept_as_user(request, invitation, request.user)
    if User.objects.with_email(invitation.email).exists():
        return redirect(sign_in_url(request))
    form = NameAndPasswordForm(request.POST or None, email=invitation.email)
    if not form.is_valid():
        return form_page(request, "team/accept.html", {"form": form, "invitation": invitation})
    return join_workspace(request, invitation, None, **form.cleaned_data)


def sign_in_url(request: HttpRequest) -> str:
    """Return the URL of the sign-in page that leads back to this page."""
    return f"{reverse('account_login')}?next={request.path}"


def accept_as_user(request: HttpRequest, invitation: Invitation, user: User) -> HttpResponse:
    """Let a signed-in person accept an invitation to their address; say it if it is to another address."""
    is_theirs = user.email == invitation.email
    if request.method == "POST" and is_theirs:
        return join_workspace(request, invitation, user, name="", password="")
    return form_page(request, "team/accept_as.html", {"invitation": invitation, "theirs": is_theirs})


def join_workspace(
    request: HttpRequest, invitation: Invitation, user: User | None, *, name: str, password: str
) -> HttpResponse:
    """Accept the invitation, sign somebody new in, and redirect to the page of keys."""
    try:
        member = accept_invitation(
            invitation,
            user=user,
            name=name,
            password=password,
            by=origin_of(request),
            now=now(),
        )
    except NoInvitation:
        return form_page(request, "team/no_invitation.html", {})
    except (NotConfirmed, NameTaken) as error:
        messages.error(request, str(error))
        return redirect_page(request, request.path)
    except AccountExists:
        messages.info(
            request, _("There is an account with this address now: sign in to accept the invitation.")
        )
        return redirect_page(request, sign_in_url(request))
    if user is None:
        login(request, member, backend=settings.SIGN_IN_BACKEND)
    messages.success(
        request,
        _(
            "Welcome to %(workspace)s. You see its deployments now. Add your Roboflow key to "
            "create, pause, resume and delete."
        )
        % {"workspace": invitation.workspace},
    )
    return redirect_page(request, reverse("fleet:list", args=[invitation.workspace.slug]))
