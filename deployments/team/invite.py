"""Invite people, withdraw an invitation, accept one."""

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
    """Why an invitation makes no sense."""


class NoInvitation(Exception):
    """The link is none, used, withdrawn or too old."""


@dataclass(frozen=True)
class SentInvitation:
    """A new invitation and its link, which is shown once."""

    invitation: Invitation
    link: str
    mailed: bool


def hash_token(token: str) -> str:
    """Return what is kept of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def invitation_subject(invitation: Invitation) -> Subject:
    """Return how the trail names an invitation: never by its token."""
    return Subject(type="invitation", id=str(invitation.pk), name=invitation.email)


def invite_person(
    *, workspace: Workspace, email: str, role: Role, inviter: User, by: Origin, now: datetime
) -> SentInvitation:
    """Invite somebody; an older open invitation of the same address is withdrawn. Raises NotInvited for members."""
    if Membership.objects.current().filter(workspace=workspace, user__email__iexact=email).exists():
        raise NotInvited("This person is a member already.")
    token = secrets.token_urlsafe(32)
    with transaction.atomic(durable=True):
        withdraw_invitations(open_invitations(workspace, now=now).filter(email__iexact=email), by=by, now=now)
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
    """Return the workspace's invitations that can still be accepted."""
    found: InvitationQuerySet = (
        Invitation.objects.open(now).filter(workspace=workspace).select_related("workspace")
    )
    return found


def mail_invitation(invitation: Invitation, link: str, *, inviter: User) -> bool:
    """Mail the link where a mail server is set; say whether it went out."""
    if not is_mail_configured():
        return False
    words = f"{inviter} invites you to {invitation.workspace} in the Deployment Portal as {invitation.role}.\n\n{link}\n\nThe link works for 7 days."
    return send_mail(EmailMessage(f"Invitation to {invitation.workspace}", words, None, [invitation.email]))


@transaction.atomic(durable=True)
def withdraw_invitation(invitation: Invitation, *, by: Origin, now: datetime) -> None:
    """Make an open invitation worthless."""
    withdraw_invitations([invitation], by=by, now=now)
    bump_revision(invitation.workspace_id)


def withdraw_invitations(invitations: Iterable[Invitation], *, by: Origin, now: datetime) -> None:
    """Make open invitations worthless, with an event each. Call it inside a transaction."""
    for one in invitations:
        if Invitation.objects.open(now).filter(pk=one.pk).update(withdrawn_at=now):
            append_event(
                Action.INVITATION_WITHDRAWN,
                by=by,
                at=now,
                about=invitation_subject(one),
                workspace=one.workspace,
            )


def find_invitation(token: str, *, now: datetime) -> Invitation:
    """Return the open invitation of a token. Raises NoInvitation."""
    found = (
        Invitation.objects.open(now)
        .filter(token_hash=hash_token(token))
        .select_related("workspace", "invited_by")
        .first()
    )
    if found is None:
        raise NoInvitation
    return found


@transaction.atomic(durable=True)
def accept_invitation(
    invitation: Invitation, *, user: User | None, name: str, password: str, by: Origin, now: datetime
) -> User:
    """Join the workspace as `user`, or as a new person with `name` and `password`. Raises NoInvitation when it was used meanwhile."""
    if not Invitation.objects.open(now).filter(pk=invitation.pk).update(accepted_at=now):
        raise NoInvitation
    if user is None:
        user = User.objects.create_user(invitation.email, password, name=name, created_at=now)
    origin = Origin(
        actor_id=user.pk, actor_name=str(user), ip=by.ip, agent=by.agent, request_id=by.request_id
    )
    append_event(
        Action.INVITATION_ACCEPTED,
        by=origin,
        at=now,
        about=invitation_subject(invitation),
        workspace=invitation.workspace,
    )
    if not Membership.objects.current().filter(user=user, workspace=invitation.workspace).exists():
        add_member(user=user, workspace=invitation.workspace, role=Role(invitation.role), by=origin, now=now)
    bump_revision(invitation.workspace_id)
    return user
