"""Invite people into a workspace, withdraw an invitation, accept one."""

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.urls import reverse

from deployments.team.models import Invitation, InvitationQuerySet
from deployments.workspaces.join import add_member
from deployments.workspaces.models import Membership, Workspace
from deployments.workspaces.revision import bump_revision
from deployments.workspaces.roles import Role
from portal.accounts.models import User
from portal.audit.actions import Action
from portal.audit.append import Subject, append_event
from portal.audit.origin import Origin
from portal.web.mail import is_mail_configured, send_mail

LIFE = timedelta(days=7)


class NotInvited(Exception):
    """The person cannot be invited, with the reason as a sentence for the inviter."""


class NoInvitation(Exception):
    """The link belongs to no open invitation: it is wrong, used, withdrawn or expired."""


@dataclass(frozen=True)
class SentInvitation:
    """A new invitation, its link, which is shown once, and whether the link was mailed."""

    invitation: Invitation
    link: str
    mailed: bool


def hash_token(token: str) -> str:
    """Return the SHA-256 of a token, in hexadecimal: the only form in which a token is stored."""
    return hashlib.sha256(token.encode()).hexdigest()


def invitation_subject(invitation: Invitation) -> Subject:
    """Return the subject of audit entries about an invitation. It names the address, never the token."""
    return Subject(type="invitation", id=str(invitation.pk), name=invitation.email)


def invite_person(
    *, workspace: Workspace, email: str, role: Role, inviter: User, by: Origin, now: datetime
) -> SentInvitation:
    """Create an invitation for 7 days, mail its link if a mail server is set, and return both.

    Open invitations of the same address are withdrawn. Raises NotInvited if the address belongs to a member.
    """
    if Membership.objects.current().filter(workspace=workspace, user__email__iexact=email).exists():
        raise NotInvited("This person is a member already.")
    token = secrets.token_urlsafe(32)
    with transaction.atomic(durable=True):
        older = open_invitations(workspace, now=now).filter(email__iexact=email)
        withdraw_invitations(older, by=by, now=now)
        invitation = Invitation.objects.create(
            workspace=workspace,
            email=email.lower(),
            role=role,
            token_hash=hash_token(token),
            invited_by=inviter,
            created_at=now,
            expires_at=now + LIFE,
        )
        append_event(
            Action.INVITATION_SENT,
            by=by,
            at=now,
            about=invitation_subject(invitation),
            workspace=workspace,
            changes={"role": (None, str(role))},
        )
        bump_revision(workspace.pk)
    link = settings.PORTAL_BASE_URL + reverse("team:accept", args=[token])
    return SentInvitation(invitation, link, mail_invitation(invitation, link, inviter=inviter))


def open_invitations(workspace: Workspace, *, now: datetime) -> InvitationQuerySet:
    """Return the workspace's invitations that can be accepted."""
    invitations: InvitationQuerySet = Invitation.objects.open(now).filter(workspace=workspace)
    return invitations.select_related("workspace")


def mail_invitation(invitation: Invitation, link: str, *, inviter: User) -> bool:
    """Mail the link to the invited address. Return whether it was sent: False without a mail server."""
    if not is_mail_configured():
        return False
    text = (
        f"{inviter} invites you to {invitation.workspace} in the Deployment Portal as {invitation.role}.\n\n"
        f"{link}\n\n"
        f"The link works for {LIFE.days} days."
    )
    return send_mail(EmailMessage(f"Invitation to {invitation.workspace}", text, None, [invitation.email]))


@transaction.atomic(durable=True)
def withdraw_invitation(invitation: Invitation, *, by: Origin, now: datetime) -> None:
    """Withdraw an invitation; do nothing if it is not open."""
    withdraw_invitations([invitation], by=by, now=now)
    bump_revision(invitation.workspace_id)


def withdraw_invitations(invitations: Iterable[Invitation], *, by: Origin, now: datetime) -> None:
    """Withdraw those invitations that are open, with an audit entry each. Call it inside a transaction."""
    for invitation in invitations:
        if Invitation.objects.open(now).filter(pk=invitation.pk).update(withdrawn_at=now):
            append_event(
                Action.INVITATION_WITHDRAWN,
                by=by,
                at=now,
                about=invitation_subject(invitation),
                workspace=invitation.workspace,
            )


def find_invitation(token: str, *, now: datetime) -> Invitation:
    """Return the open invitation that has this token. Raises NoInvitation."""
    invitations = Invitation.objects.open(now).filter(token_hash=hash_token(token))
    invitation: Invitation | None = invitations.select_related("workspace", "invited_by").first()
    if invitation is None:
        raise NoInvitation
    return invitation


@transaction.atomic(durable=True)
def accept_invitation(
    invitation: Invitation, *, user: User | None, name: str, password: str, by: Origin, now: datetime
) -> User:
    """Make `user` a member and return them. Without a user, create one with `name` and `password`.

    Somebody who is a member already keeps their role. Raises NoInvitation if it is no longer open.
    """
    if not Invitation.objects.open(now).filter(pk=invitation.pk).update(accepted_at=now):
        raise NoInvitation
    if user is None:
        user = User.objects.create_user(invitation.email, password, name=name, created_at=now)
    by_user = Origin(
        actor_id=user.pk,
        actor_name=str(user),
        ip=by.ip,
        agent=by.agent,
        request_id=by.request_id,
    )
    append_event(
        Action.INVITATION_ACCEPTED,
        by=by_user,
        at=now,
        about=invitation_subject(invitation),
        workspace=invitation.workspace,
    )
    if not Membership.objects.current().filter(user=user, workspace=invitation.workspace).exists():
        role = Role(invitation.role)
        add_member(user=user, workspace=invitation.workspace, role=role, by=by_user, now=now)
    bump_revision(invitation.workspace_id)
    return user
