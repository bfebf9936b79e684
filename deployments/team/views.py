"""Pages of the people of a workspace: see them, invite, change roles, remove."""

from typing import Any, cast

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from deployments.keys.models import ApiKey
from deployments.ledger.models import Operation
from deployments.team.forms import InviteForm, RoleForm
from deployments.team.invite import NotInvited, SentInvitation, invite_person, withdraw_invitation
from deployments.team.models import Invitation
from deployments.team.people import NotChanged, change_role, is_last_manager, remove_member
from deployments.workspaces.guard import workspace_required
from deployments.workspaces.models import Membership, Workspace
from deployments.workspaces.roles import MATRIX, Role, is_enough
from portal.accounts.factors import second_factors
from portal.accounts.models import User
from portal.audit.origin import origin_of
from portal.clock import now
from portal.web.fragments import form_page, redirect_page
from portal.web.limits import is_within_limit


def team_url(workspace: Workspace) -> str:
    """Return the URL of the team page."""
    return reverse("team:people", args=[workspace.slug])


@require_http_methods(["GET", "POST"])
@workspace_required(Role.VIEWER)
def people(request: HttpRequest, membership: Membership) -> HttpResponseBase:
    """Show the members with role and state of their key; a manager's POST invites somebody."""
    if request.method == "POST":
        return invite(request, workspace=membership.workspace.slug)
    return form_page(request, "team/people.html", team_context(membership, InviteForm()))


def team_context(
    membership: Membership, form: InviteForm, sent: SentInvitation | None = None
) -> dict[str, Any]:
    """Return the context of the team page; `sent` is the invitation that was just created."""
    workspace = membership.workspace
    members = list(
        Membership.objects.filter(workspace=workspace, removed_at=None)
        .select_related("user")
        .order_by("user__name", "pk")
    )
    user_ids = [member.user_id for member in members]
    key_states = {key.user_id: key.state for key in ApiKey.objects.filter(workspace=workspace)}
    invitations = Invitation.objects.open(now()).filter(workspace=workspace).select_related("invited_by")
    return {
        "workspace": workspace,
        "members": [(member, key_states.get(member.user_id, "none")) for member in members],
        "protected": set(second_factors().filter(user__in=user_ids).values_list("user_id", flat=True)),
        "invitations": invitations.order_by("-created_at"),
        "form": form,
        "sent": sent,
        "is_manager": is_enough(membership.role, Role.MANAGER),
        "roles": Role.choices,
        "matrix": MATRIX,
    }


@workspace_required(Role.MANAGER)
def invite(request: HttpRequest, membership: Membership) -> HttpResponse:
    """Invite somebody and show the link, which no later page shows again."""
    form, sent = InviteForm(request.POST), None
    if form.is_valid() and not is_within_limit(request, "invite"):
        form.add_error("email", _("Too many invitations within a minute. Wait a minute."))
    if form.is_valid():
        try:
            sent = invite_person(
                workspace=membership.workspace,
                email=form.cleaned_data["email"],
                role=Role(form.cleaned_data["role"]),
                inviter=cast(User, request.user),
                by=origin_of(request),
                now=now(),
            )
            form = InviteForm()
        except NotInvited as error:
            form.add_error("email", str(error))
    return form_page(request, "team/people.html", team_context(membership, form, sent))


def get_member_or_404(membership: Membership, member_id: int) -> Membership:
    """Return the member `member_id` of the same workspace, disabled or not. Raises Http404."""
    members = Membership.objects.filter(workspace=membership.workspace, removed_at=None, pk=member_id)
    member = members.select_related("user", "workspace").first()
    if member is None:
        raise Http404
    return member


@require_POST
@workspace_required(Role.MANAGER)
def set_role(request: HttpRequest, membership: Membership, member_id: int) -> HttpResponse:
    """Give a member another role."""
    member, form = get_member_or_404(membership, member_id), RoleForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("There is no such role."))
        return redirect_page(request, team_url(membership.workspace))
    role = Role(form.cleaned_data["role"])
    try:
        if change_role(member, role=role, by=origin_of(request), now=now()):
            messages.success(request, _("%(user)s is %(role)s now.") % {"user": member.user, "role": role})
    except NotChanged as error:
        messages.error(request, str(error))
    return redirect_page(request, team_url(membership.workspace))


@require_http_methods(["GET", "POST"])
@workspace_required(Role.MANAGER)
def remove(request: HttpRequest, membership: Membership, member_id: int) -> HttpResponse:
    """Say what the removal of a member does, then remove them."""
    member = get_member_or_404(membership, member_id)
    if request.method == "POST":
        try:
            remove_member(member, by=origin_of(request), now=now())
            messages.success(request, _("%(user)s is no longer a member.") % {"user": member.user})
        except NotChanged as error:
            messages.error(request, str(error))
        return redirect_page(request, team_url(membership.workspace))
    asked = Operation.objects.filter(workspace=membership.workspace, actor=member.user)
    context = {
        "member": member,
        "workspace": membership.workspace,
        "running": asked.open().count(),  # type: ignore[attr-defined]
        "is_last": is_last_manager(member),
    }
    return form_page(request, "team/remove.html", context)


@require_POST
@workspace_required(Role.MANAGER)
def withdraw(request: HttpRequest, membership: Membership, invitation_id: int) -> HttpResponse:
    """Withdraw an invitation, so that its link works no longer."""
    invitations = Invitation.objects.filter(workspace=membership.workspace, pk=invitation_id)
    invitation = invitations.select_related("workspace").first()
    if invitation is None:
        raise Http404
    withdraw_invitation(invitation, by=origin_of(request), now=now())
    return redirect_page(request, team_url(membership.workspace))
