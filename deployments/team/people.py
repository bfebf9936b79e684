"""Change roles and remove people; what happens to their keys and to what they asked for."""

from datetime import datetime

from django.db import transaction
from django.db.models import Q

from deployments.keys.models import ApiKey
from deployments.keys.open import key_subject as key_thing
from deployments.team.invite import open_invitations, withdraw_invitations
from deployments.workspaces.models import Membership
from deployments.workspaces.revision import bump_revision
from deployments.workspaces.roles import Role
from portal.audit.actions import Action
from portal.audit.append import Subject, append_event
from portal.audit.origin import Origin


class LastManager(Exception):
    """A workspace keeps at least one manager."""

    def __init__(self) -> None:
        super().__init__("The last manager stays manager: make somebody else manager first.")


def member_subject(member: Membership) -> Subject:
    """Return how the trail names a member."""
    return Subject(type="member", id=str(member.user_id), name=member.user.email)


def lock_member(member: Membership) -> Membership:
    """Return the member's row, with the rows of all members locked: two managers cannot demote each other at once.

    Not the workspace itself: everybody else writes that last, after the head of the trail.
    """
    list(
        Membership.objects.select_for_update()
        .filter(workspace=member.workspace_id)
        .order_by("pk")
        .values_list("pk")
    )
    return Membership.objects.select_related("user", "workspace").get(pk=member.pk)


def is_last_manager(member: Membership) -> bool:
    """Say whether nobody else could give roles."""
    others = (
        Membership.objects.current()
        .filter(workspace=member.workspace, role=Role.MANAGER)
        .exclude(pk=member.pk)
    )
    return member.role == Role.MANAGER and not others.exists()


@transaction.atomic(durable=True)
def change_role(member: Membership, *, role: Role, by: Origin, now: datetime) -> bool:
    """Give a member another role; False when they have it or are gone. Raises LastManager."""
    standing = lock_member(member)
    if standing.removed_at or standing.role == role:
        return False
    if role != Role.MANAGER and is_last_manager(standing):
        raise LastManager
    Membership.objects.filter(pk=standing.pk).update(role=role)
    if standing.role == Role.MANAGER:  # what a manager promised goes with the role
        withdraw_invitations(
            open_invitations(standing.workspace, now=now).filter(invited_by=standing.user), by=by, now=now
        )
    changes = {"role": (standing.role, str(role))}
    append_event(
        Action.MEMBER_ROLE_CHANGED,
        by=by,
        at=now,
        about=member_subject(standing),
        workspace=standing.workspace,
        changes=changes,
    )
    bump_revision(standing.workspace_id)
    return True


@transaction.atomic(durable=True)
def remove_member(member: Membership, *, by: Origin, now: datetime) -> bool:
    """Remove a member, their key of this workspace and their invitations; what they asked for and is not sent yet will not be sent. Raises LastManager."""
    standing = lock_member(member)
    if standing.removed_at:
        return False
    if is_last_manager(standing):
        raise LastManager
    Membership.objects.filter(pk=standing.pk).update(removed_at=now)
    for key in ApiKey.objects.held_by(standing.user, standing.workspace).select_related("user"):
        about = key_thing(key)
        key.delete()
        append_event(Action.KEY_REMOVED, by=by, at=now, about=about, workspace=standing.workspace)
    theirs = Q(email__iexact=standing.user.email) | Q(invited_by=standing.user)  # no way back by an old link
    withdraw_invitations(open_invitations(standing.workspace, now=now).filter(theirs), by=by, now=now)
    append_event(
        Action.MEMBER_REMOVED,
        by=by,
        at=now,
        about=member_subject(standing),
        workspace=standing.workspace,
        changes={"role": (standing.role, None)},
    )
    bump_revision(standing.workspace_id)
    return True
