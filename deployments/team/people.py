"""Change the roles of members and remove members, with their key and their invitations."""

from datetime import datetime

from django.db import transaction
from django.db.models import Q

from deployments.keys.models import ApiKey
from deployments.keys.open import key_subject
from deployments.team.invite import open_invitations, withdraw_invitations
from deployments.workspaces.models import Membership
from deployments.workspaces.revision import bump_revision
from deployments.workspaces.roles import Role
from portal.audit.actions import Action
from portal.audit.append import Subject, append_event
from portal.audit.origin import Origin


class LastManager(Exception):
    """The change would leave the workspace without a manager."""

    def __init__(self) -> None:
        super().__init__("The last manager stays manager: make somebody else manager first.")


def member_subject(member: Membership) -> Subject:
    """Return the subject of audit entries about a member."""
    return Subject(type="member", id=str(member.user_id), name=member.user.email)


def lock_member(member: Membership) -> Membership:
    """Lock the rows of all members of the workspace and return this member's current row.

    All are locked, so that two managers cannot demote each other at the same time. The workspace's own row is
    not: other transactions write it last, after the head of the trail, and the other order would deadlock.
    """
    members = Membership.objects.select_for_update().filter(workspace=member.workspace_id).order_by("pk")
    list(members.values_list("pk"))
    return Membership.objects.select_related("user", "workspace").get(pk=member.pk)


def is_last_manager(member: Membership) -> bool:
    """Say whether the member is the only manager of the workspace."""
    managers = Membership.objects.current().filter(workspace=member.workspace, role=Role.MANAGER)
    return member.role == Role.MANAGER and not managers.exclude(pk=member.pk).exists()


@transaction.atomic(durable=True)
def change_role(member: Membership, *, role: Role, by: Origin, now: datetime) -> bool:
    """Give a member another role. Return False if they have it already or were removed. Raises LastManager.

    The open invitations of a former manager are withdrawn: they were given with a right that has ended.
    """
    current = lock_member(member)
    if current.removed_at or current.role == role:
        return False
    if role != Role.MANAGER and is_last_manager(current):
        raise LastManager
    Membership.objects.filter(pk=current.pk).update(role=role)
    if current.role == Role.MANAGER:
        given = open_invitations(current.workspace, now=now).filter(invited_by=current.user)
        withdraw_invitations(given, by=by, now=now)
    append_event(
        Action.MEMBER_ROLE_CHANGED,
        by=by,
        at=now,
        about=member_subject(current),
        workspace=current.workspace,
        changes={"role": (current.role, str(role))},
    )
    bump_revision(current.workspace_id)
    return True


@transaction.atomic(durable=True)
def remove_member(member: Membership, *, by: Origin, now: datetime) -> bool:
    """Remove a member, their key for this workspace and the open invitations to and from them.

    Operations that they asked for and that are not sent yet will not be sent: the worker checks the member
    before it sends. Return False if the member was removed already. Raises LastManager.
    """
    current = lock_member(member)
    if current.removed_at:
        return False
    if is_last_manager(current):
        raise LastManager
    Membership.objects.filter(pk=current.pk).update(removed_at=now)
    remove_keys(current, by=by, now=now)
    of_member = Q(email__iexact=current.user.email) | Q(invited_by=current.user)
    withdraw_invitations(
        open_invitations(current.workspace, now=now).filter(of_member),
        by=by,
        now=now,
    )
    append_event(
        Action.MEMBER_REMOVED,
        by=by,
        at=now,
        about=member_subject(current),
        workspace=current.workspace,
        changes={"role": (current.role, None)},
    )
    bump_revision(current.workspace_id)
    return True


def remove_keys(member: Membership, *, by: Origin, now: datetime) -> None:
    """Delete the member's keys for the workspace, with an audit entry each. Call it inside a transaction."""
    for key in ApiKey.objects.held_by(member.user, member.workspace).select_related("user"):
        subject = key_subject(key)
        key.delete()
        append_event(Action.KEY_REMOVED, by=by, at=now, about=subject, workspace=member.workspace)
