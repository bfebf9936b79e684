"""Makes people members of a workspace: by a valid key for it, or by invitation."""

from collections.abc import Iterator
from datetime import datetime
from itertools import count

from django.db import IntegrityError, transaction
from django.utils.text import slugify
from django.utils.translation import gettext as _

from deployments.workspaces.models import Membership, Workspace
from deployments.workspaces.roles import Role
from portal.accounts.models import User
from portal.audit.actions import Action
from portal.audit.append import Entry, Subject, append_events
from portal.audit.origin import Origin
from portal.web.text import printable

MAX_TRIES = 5  # two new workspaces at the same time may want the same slug


class NotConfirmed(Exception):
    """The person may be in one workspace only until it is proven that their address is theirs."""

    def __init__(self) -> None:
        super().__init__(
            _(
                "Nobody has confirmed that your e-mail address is yours, so you stay in the workspace that "
                "invited you. Choose a new password by a mailed link, or ask an administrator to confirm it."
            )
        )


class RemovedMember(Exception):
    """The person was removed from the workspace. Only an invitation makes them a member again."""


def get_or_create_workspace(*, roboflow_slug: str, name: str, region: str, now: datetime) -> Workspace:
    """Return the workspace that Roboflow has under this slug in this region; create it if it is new.

    A new workspace is due for its first sync at once. Call it inside a transaction. The constraints decide
    which of two people creates it, and which of two workspaces gets a slug of ours: the other one tries
    again.
    """
    for _try in range(MAX_TRIES):
        existing = Workspace.objects.filter(region=region, roboflow_slug=roboflow_slug).first()
        if existing:
            return existing
        try:
            with transaction.atomic():
                return Workspace.objects.create(
                    region=region,
                    roboflow_slug=roboflow_slug,
                    slug=free_slug(roboflow_slug, region),
                    name=" ".join(printable(name or roboflow_slug).split()),
                    created_at=now,
                    sync_due_at=now,
                )
        except IntegrityError:
            continue
    raise RuntimeError(
        f"Other workspaces kept taking the slugs for {roboflow_slug}: it could not be created."
    )


def free_slug(roboflow_slug: str, region: str) -> str:
    """Return an unused slug for our addresses: Roboflow's, or with the region added, or with a number."""
    plain = slugify(roboflow_slug)[:80] or "workspace"
    taken = set(Workspace.objects.filter(slug__startswith=plain).values_list("slug", flat=True))
    return next(slug for slug in possible_slugs(plain, region) if slug not in taken)


def possible_slugs(plain: str, region: str) -> Iterator[str]:
    """Yield `plain`, then with the region, then with each number from 2 on."""
    yield plain
    yield f"{plain}-{region}"
    yield from (f"{plain}-{number}" for number in count(2))


def join_by_key(*, user: User, workspace: Workspace, by: Origin, now: datetime) -> Entry | None:
    """Make the holder of a valid key a member. Return the entry to append last, or None for a member.

    The first member becomes manager, later ones operators; an existing role stays as it is. Raises
    RemovedMember and NotConfirmed. Call it inside a transaction: a removal of the same member waits until it
    ends.
    """
    rows = Membership.objects.select_for_update(no_key=True)
    existing = rows.filter(user=user, workspace=workspace).first()
    if existing and existing.removed_at:
        raise RemovedMember
    if existing:
        return None
    refuse_unconfirmed(user, workspace)
    is_first = not Membership.objects.filter(workspace=workspace).exists()
    role = Role.MANAGER if is_first else Role.OPERATOR
    return store_member(user=user, workspace=workspace, role=role, by=by, now=now)


def refuse_unconfirmed(user: User, workspace: Workspace) -> None:
    """Raise NotConfirmed for somebody of another workspace whose address nobody has confirmed.

    An inviter who sees the link could have made the account in another person's name.
    """
    elsewhere = Membership.objects.filter(user=user).exclude(workspace=workspace)
    if user.email_confirmed_at is None and elsewhere.exists():
        raise NotConfirmed


def store_member(*, user: User, workspace: Workspace, role: Role, by: Origin, now: datetime) -> Entry | None:
    """Create a membership with `role`, or restore a removed one; return the entry to append last.

    Return None for a current member, whose role stays. Call it inside a transaction, before any other row is
    locked: the order is memberships, keys, invitations, the workspace, the head of the trail.
    """
    membership, is_new = Membership.objects.select_for_update(no_key=True).get_or_create(
        user=user,
        workspace=workspace,
        defaults={"role": role, "joined_at": now},
    )
    if not is_new and membership.removed_at is None:
        return None
    if not is_new:
        Membership.objects.filter(pk=membership.pk).update(role=role, joined_at=now, removed_at=None)
    return Entry(
        action=Action.MEMBER_JOINED,
        by=by,
        at=now,
        about=Subject(type="member", id=str(user.pk), name=user.email),
        workspace=workspace,
        changes={"role": (None, str(role))},
    )


@transaction.atomic
def add_member(*, user: User, workspace: Workspace, role: Role, by: Origin, now: datetime) -> Membership:
    """Make somebody a member, with an audit entry, and return the membership. A member's role stays."""
    entry = store_member(user=user, workspace=workspace, role=role, by=by, now=now)
    membership = Membership.objects.get(user=user, workspace=workspace)
    append_events([entry] if entry else [])
    return membership
