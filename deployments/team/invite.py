"""Invite people into a workspace, withdraw an invitation, accept one."""

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from deployments.team.models import Invitation, InvitationQuerySet
from deployments.workspaces.join import refuse_unconfirmed, store_member
from deployments.workspaces.models import Membership, Workspace
from deployments.workspaces.revision import bump_revision
from deployments.workspaces.roles import Role
from portal.accounts.addresses import canonical_email
from portal.accounts.models import User
from portal.accounts.people import mark_confirmed
from portal.audit.actions import Action
from portal.audit.append import Entry, Subject, append_events
from portal.audit.origin import Origin
from portal.web.mail import is_mail_configured, send_mail

LIFE = timedelta(days=7)


class NotInvited(Exception):
    """The person cannot be invited, with the reason as a sentence for the inviter."""


class NoInvitation(Exception):
    """The link belongs to no open invitation: it is wrong, used, withdrawn or expired."""


class NameTaken(Exception):
    """Somebody has taken the name, or one that looks the same, in this moment."""

    def __init__(self) -> None:
        super().__init__(_("Somebody else has just taken this name: type another one."))


class AccountExists(Exception):
    """The invited address got an account meanwhile: its owner signs in, and accepts then."""


@dataclass(frozen=True)
class SentInvitation:
    """A new invitation, and its link, which the inviter sees once. It is "" when the link was mailed.

    A link that only its mail holds proves whose the address is, so nobody else may see it.
    """

    invitation: Invitation
    link: str

    @property
    def is_mailed(self) -> bool:
        """Whether the portal has mailed the link."""
        return not self.link


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
    email = canonical_email(email)
    if Membership.objects.current().filter(workspace=workspace, user__email=email).exists():
        raise NotInvited(_("This person is a member already."))
    token = secrets.token_urlsafe(32)
    with transaction.atomic(durable=True):
        older = open_invitations(workspace, now=now).filter(email=email)
        entries = withdraw_invitations(older, by=by, now=now)
        invitation = Invitation.objects.create(
            workspace=workspace,
            email=email,
            role=role,
            token_hash=hash_token(token),
            invited_by=inviter,
            created_at=now,
            expires_at=now + LIFE,
        )
        sent = Entry(
            action=Action.INVITATION_SENT,
            by=by,
            at=now,
            about=invitation_subject(invitation),
            workspace=workspace,
            changes={"role": (None, str(role))},
        )
        bump_revision(workspace.pk)
        append_events([*entries, sent])
    link = settings.PORTAL_BASE_URL + reverse("team:accept", args=[token])
    if not mail_invitation(invitation, link, inviter=inviter):
        return SentInvitation(invitation, link)
    Invitation.objects.filter(pk=invitation.pk).update(is_mailed=True)
    return SentInvitation(invitation, "")


def open_invitations(workspace: Workspace, *, now: datetime) -> InvitationQuerySet:
    """Return the workspace's invitations that can be accepted, in the order in which they are locked."""
    invitations: InvitationQuerySet = Invitation.objects.open(now).filter(workspace=workspace)
    return invitations.select_related("workspace").order_by("pk")


def mail_invitation(invitation: Invitation, link: str, *, inviter: User) -> bool:
    """Mail the link to the invited address. Return whether it was sent: False without a mail server."""
    if not is_mail_configured():
        return False
    text = _(
        "%(inviter)s invites you to %(workspace)s in Portside as "
        "%(role)s.\n\n%(link)s\n\nThe link works for %(days)s days."
    ) % {
        "inviter": inviter,
        "workspace": invitation.workspace,
        "role": invitation.role,
        "link": link,
        "days": LIFE.days,
    }
    return send_mail(
        EmailMessage(
            _("Invitation to %(workspace)s") % {"workspace": invitation.workspace},
            text,
            None,
            [invitation.email],
        )
    )


@transaction.atomic(durable=True)
def withdraw_invitation(invitation: Invitation, *, by: Origin, now: datetime) -> None:
    """Withdraw an invitation; do nothing if it is not open."""
    entries = withdraw_invitations([invitation], by=by, now=now)
    bump_revision(invitation.workspace_id)
    append_events(entries)


def withdraw_invitations(invitations: Iterable[Invitation], *, by: Origin, now: datetime) -> list[Entry]:
    """Withdraw those invitations that are open; return the entries to append last.

    Call it inside a transaction, with the invitations in the order of their ids.
    """
    entries = []
    for invitation in invitations:
        if Invitation.objects.open(now).filter(pk=invitation.pk).update(withdrawn_at=now):
            about = invitation_subject(invitation)
            entries.append(
                Entry(
                    action=Action.INVITATION_WITHDRAWN,
                    by=by,
                    at=now,
                    about=about,
                    workspace=invitation.workspace,
                )
            )
    return entries


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

    Somebody who is a member already keeps their role. Raises NoInvitation if it is no longer open, and
    AccountExists if an account with its address appeared meanwhile: then the invitation stays open. Raises
    NotConfirmed for a person of another workspace whose address nobody has confirmed, and NameTaken. A mailed
    link confirms the address. The rows are locked in the order of a removal: membership, invitation,
    workspace, head of the trail.
    """
    user = user or create_invited(invitation, name=name, password=password, now=now)
    by_user = replace(by, actor_id=user.pk, actor_name=str(user))
    role, workspace = Role(invitation.role), invitation.workspace
    if invitation.is_mailed:
        mark_confirmed(user, now=now)
        user.refresh_from_db()
    refuse_unconfirmed(user, workspace)
    joined = store_member(user=user, workspace=workspace, role=role, by=by_user, now=now)
    if not Invitation.objects.open(now).filter(pk=invitation.pk).update(accepted_at=now):
        raise NoInvitation
    bump_revision(invitation.workspace_id)
    accepted = Entry(
        action=Action.INVITATION_ACCEPTED,
        by=by_user,
        at=now,
        about=invitation_subject(invitation),
        workspace=workspace,
    )
    append_events([accepted, joined] if joined else [accepted])
    return user


def create_invited(invitation: Invitation, *, name: str, password: str, now: datetime) -> User:
    """Create the account of the invited address. Raises AccountExists, NoInvitation if it was accepted, or
    NameTaken.

    The constraint on the address decides, not a query: two invitations, or the same one twice, can be
    accepted at the same time.
    """
    try:
        with transaction.atomic():
            return User.objects.create_user(invitation.email, password, name=name, created_at=now)
    except IntegrityError:
        if not User.objects.with_email(invitation.email).exists():
            raise NameTaken from None
        if Invitation.objects.open(now).filter(pk=invitation.pk).exists():
            raise AccountExists from None
        raise NoInvitation from None
