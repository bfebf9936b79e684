"""Change the roles of members and remove members, with their key and their invitations."""

from datetime import datetime

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from deployments.keys.check import delete_key
from deployments.keys.models import ApiKey
from deployments.team.invite import open_invitations, withdraw_invitations
from deployments.workspaces.models import Membership
from deployments.workspaces.revision import bump_revision
from deployments.workspaces.roles import Role
from portal.accounts.people import end_all_sessions
from portal.audit.actions import Action
from portal.audit.append import Changes, Entry, Subject, append_events
from portal.audit.origin import Origin


class NotChanged(Exception):
    """The change of a member was refused, with the reason as a sentence for the person who asked for it."""


class LastManager(NotChanged):
    """The change would leave the workspace without a manager."""

    def __init__(self) -> None:
        super().__init__(_("The last manager stays manager: make somebody else manager first."))


class NoLongerManager(NotChanged):
    """The person who asked for the change stopped being a manager meanwhile."""

    def __init__(self) -> None:
        super().__init__(_("Nothing was changed: you are no longer a manager of this workspace."))


def member_subject(member: Membership) -> Subject:
    """Return the subject of audit entries about a member."""
    return Subject(type="member", id=str(member.user_id), name=member.user.email)


def lock_member(member: Membership, *, by: Origin) -> Membership:
    """Lock the rows of all members of the workspace and return this member's current row.

    All are locked, so that two managers cannot remove or demote each other at the same time: the second one
    is no manager any more. Raises NoLongerManager then. A `by` without a person is the portal itself.
    """
    members = Membership.objects.select_for_update().filter(workspace=member.workspace_id).order_by("pk")
    locked = {row.pk: row for row in members}
    managers = {row.user_id for row in locked.values() if row.role == Role.MANAGER and not row.removed_at}
    if by.actor_id is not None and by.actor_id not in managers:
        raise NoLongerManager
    return Membership.objects.select_related("user", "workspace").get(pk=member.pk)


def is_last_manager(member: Membership) -> bool:
    """Return whether the member is the only manager of the workspace."""
    managers = Membership.objects.current().filter(workspace=member.workspace, role=Role.MANAGER)
    return member.role == Role.MANAGER and not managers.exclude(pk=member.pk).exists()


@transaction.atomic(durable=True)
def change_role(member: Membership, *, role: Role, by: Origin, now: datetime) -> bool:
    """Give a member another role. Return False if they have it already or were removed. Raises NotChanged.

    The open invitations of a former manager are withdrawn: they were given with a right that has ended.
    """
    current = lock_member(member, by=by)
    if current.removed_at or current.role == role:
        return False
    if role != Role.MANAGER and is_last_manager(current):
        raise LastManager
    Membership.objects.filter(pk=current.pk).update(role=role)
    entries = []
    if current.role == Role.MANAGER:
        given = open_invitations(current.workspace, now=now).filter(invited_by=current.user)
        entries += withdraw_invitations(given, by=by, now=now)
    bump_revision(current.workspace_id)
    changes = {"role": (current.role, str(role))}
    entries.append(member_entry(Action.MEMBER_ROLE_CHANGED, current, changes, by=by, now=now))
    append_events(entries)
    return True


@transaction.atomic(durable=True)
def remove_member(member: Membership, *, by: Origin, now: datetime) -> bool:
    """Remove a member, their key for this workspace and the open invitations to and from them.

    Operations that they asked for and that are not sent yet will not be sent: the worker checks the member
    before it sends. Return False if the member was removed already. Raises NotChanged. The rows are locked in
    the one order: memberships, keys, invitations, the workspace, the head of the trail.
    """
    current = lock_member(member, by=by)
    if current.removed_at:
        return False
    if is_last_manager(current):
        raise LastManager
    Membership.objects.filter(pk=current.pk).update(removed_at=now)
    entries = delete_keys(current, by=by, now=now)
    of_member = Q(email=current.user.email) | Q(invited_by=current.user)
    invitations = open_invitations(current.workspace, now=now).filter(of_member)
    entries += withdraw_invitations(invitations, by=by, now=now)
    is_left_anywhere = Membership.objects.filter(user=current.user, removed_at=None).exists()
    if not is_left_anywhere and not current.user.is_administrator:
        end_all_sessions(current.user)  # there is nothing left that they may see
    bump_revision(current.workspace_id)
    entries.append(
        member_entry(Action.MEMBER_REMOVED, current, {"role": (current.role, None)}, by=by, now=now)
    )
    append_events(entries)
    return True


def member_entry(action: Action, member: Membership, changes: Changes, *, by: Origin, now: datetime) -> Entry:
    """Return an audit entry about a member."""
    return Entry(
        action=action,
        by=by,
        at=now,
        about=member_subject(member),
        workspace=member.workspace,
        changes=changes,
    )


def delete_keys(member: Membership, *, by: Origin, now: datetime) -> list[Entry]:
    """Delete the member's key for the workspace; return the entries that its transaction appends last."""
    keys = ApiKey.objects.held_by(member.user, member.workspace).select_related("user", "workspace")
    entries = [delete_key(key, by=by, now=now) for key in keys]
    return [entry for entry in entries if entry]
