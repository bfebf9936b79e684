"""The people of a workspace, and the page behind an invitation."""

from typing import Any, cast

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.timezone import now
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from deployments.keys.models import ApiKey
from deployments.ledger.models import Operation
from deployments.team.forms import AcceptForm, InviteForm, RoleForm
from deployments.team.invite import (
    NoInvitation,
    NotInvited,
    SentInvitation,
    accept_invitation,
    find_invitation,
    invite_person,
    withdraw_invitation,
)
from deployments.team.models import Invitation
from deployments.team.people import LastManager, change_role, is_last_manager, remove_member
from deployments.workspaces.guard import workspace_required
from deployments.workspaces.models import Membership, Workspace
from deployments.workspaces.roles import MATRIX, Role, is_enough
from portal.accounts.factors import second_factors
from portal.accounts.models import User
from portal.audit.origin import origin_of
from portal.web.fragments import form_page, redirect_page
from portal.web.limits import is_within_limit


def team_page(workspace: Workspace) -> str:
    """Return the address of the team page."""
    return reverse("team:people", args=[workspace.slug])


@require_http_methods(["GET", "POST"])
@workspace_required(Role.VIEWER)
def people(request: HttpRequest, membership: Membership) -> HttpResponseBase:
    """Who is here, as what, and with which key; managers invite."""
    if request.method == "POST":
        return invite_view(request, workspace=membership.workspace.slug)
    return form_page(request, "team/people.html", team_context(membership, InviteForm()))


def team_context(
    membership: Membership, form: InviteForm, sent: SentInvitation | None = None
) -> dict[str, Any]:
    """Return what the team page shows."""
    workspace = membership.workspace
    members = (
        Membership.objects.current()
        .filter(workspace=workspace)
        .select_related("user")
        .order_by("user__name", "pk")
    )
    keys = {key.user_id: key.state for key in ApiKey.objects.filter(workspace=workspace)}
    protected = set(
        second_factors().filter(user__in=[one.user_id for one in members]).values_list("user_id", flat=True)
    )
    return {
        "protected": protected,
        "workspace": workspace,
        "members": [(one, keys.get(one.user_id, "none")) for one in members],
        "form": form,
        "sent": sent,
        "matrix": MATRIX,
        "is_manager": is_enough(membership.role, Role.MANAGER),
        "roles": Role.choices,
        "invitations": Invitation.objects.open(now())
        .filter(workspace=workspace)
        .select_related("invited_by")
        .order_by("-created_at"),
    }


@workspace_required(Role.MANAGER)
def invite_view(request: HttpRequest, membership: Membership) -> HttpResponse:
    """Invite somebody; the link shows once."""
    form, sent = InviteForm(request.POST), None
    if form.is_valid() and not is_within_limit(request, "invite"):
        form.add_error("email", "Too many invitations within a minute. Wait a minute.")
    if form.is_valid():
        data, inviter = form.cleaned_data, cast(User, request.user)
        try:
            sent = invite_person(
                workspace=membership.workspace,
                email=data["email"],
                role=Role(data["role"]),
                inviter=inviter,
                by=origin_of(request),
                now=now(),
            )
            form = InviteForm()
        except NotInvited as why:
            form.add_error("email", str(why))
    return form_page(request, "team/people.html", team_context(membership, form, sent))


def get_member_or_404(membership: Membership, member_id: int) -> Membership:
    """Return another member of the same workspace."""
    found = (
        Membership.objects.current()
        .filter(workspace=membership.workspace, pk=member_id)
        .select_related("user", "workspace")
        .first()
    )
    if found is None:
        raise Http404
    return found


@require_POST
@workspace_required(Role.MANAGER)
def role(request: HttpRequest, membership: Membership, member_id: int) -> HttpResponse:
    """Give a member another role."""
    member, form = get_member_or_404(membership, member_id), RoleForm(request.POST)
    if not form.is_valid():
        messages.error(request, "There is no such role.")
        return redirect_page(request, team_page(membership.workspace))
    try:
        if change_role(member, role=Role(form.cleaned_data["role"]), by=origin_of(request), now=now()):
            messages.success(request, f"{member.user} is {form.cleaned_data['role']} now.")
    except LastManager as why:
        messages.error(request, str(why))
    return redirect_page(request, team_page(membership.workspace))


@require_http_methods(["GET", "POST"])
@workspace_required(Role.MANAGER)
def remove(request: HttpRequest, membership: Membership, member_id: int) -> HttpResponse:
    """Say what happens, then remove a member."""
    member = get_member_or_404(membership, member_id)
    if request.method == "POST":
        try:
            remove_member(member, by=origin_of(request), now=now())
            messages.success(request, f"{member.user} is no longer a member.")
        except LastManager as why:
            messages.error(request, str(why))
        return redirect_page(request, team_page(membership.workspace))
    running = Operation.objects.filter(workspace=membership.workspace, actor=member.user).open()  # type: ignore[attr-defined]
    context = {
        "member": member,
        "workspace": membership.workspace,
        "running": running.count(),
        "is_last": is_last_manager(member),
    }
    return form_page(request, "team/remove.html", context)


@require_POST
@workspace_required(Role.MANAGER)
def withdraw_view(request: HttpRequest, membership: Membership, invitation_id: int) -> HttpResponse:
    """Make an invitation worthless."""
    found = (
        Invitation.objects.filter(workspace=membership.workspace, pk=invitation_id)
        .select_related("workspace")
        .first()
    )
    if found is None:
        raise Http404
    withdraw_invitation(found, by=origin_of(request), now=now())
    return redirect_page(request, team_page(membership.workspace))


@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
def accept_view(request: HttpRequest, token: str) -> HttpResponse:
    """Accept an invitation: as who one is, or as somebody new."""
    try:
        found = find_invitation(token, now=now())
    except NoInvitation:
        return form_page(request, "team/no_invitation.html", {})
    known = User.objects.filter(email__iexact=found.email).first()
    if request.user.is_authenticated:
        return accept_as(request, found, request.user)
    if known:
        return redirect(f"{reverse('account_login')}?next={request.path}")
    form = AcceptForm(request.POST or None, email=found.email)
    if not form.is_valid():
        return form_page(request, "team/accept.html", {"form": form, "invitation": found})
    return join_and_sign_in(request, found, None, **form.cleaned_data)


def accept_as(request: HttpRequest, found: Invitation, user: User) -> HttpResponse:
    """A signed-in person accepts, if the invitation is theirs."""
    theirs = user.email.lower() == found.email.lower()
    if request.method == "POST" and theirs:
        return join_and_sign_in(request, found, user, name="", password="")
    return form_page(request, "team/accept_as.html", {"invitation": found, "theirs": theirs})


def join_and_sign_in(
    request: HttpRequest, found: Invitation, user: User | None, *, name: str, password: str
) -> HttpResponse:
    """Join, sign in, and lead to the keys."""
    try:
        person = accept_invitation(
            found, user=user, name=name, password=password, by=origin_of(request), now=now()
        )
    except NoInvitation:
        return form_page(request, "team/no_invitation.html", {})
    if user is None:
        login(request, person, backend=settings.SIGN_IN_BACKEND)
    messages.success(
        request,
        f"Welcome to {found.workspace}. Add your Roboflow key to create, pause, resume and delete; to look you need none.",
    )
    return redirect_page(request, reverse("keys:list"))
