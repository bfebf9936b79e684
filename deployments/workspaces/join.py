"""Makes people members of a workspace: by a valid key for it, or by invitation."""

from datetime import datetime

from django.utils.text import slugify

from deployments.workspaces.models import Membership, Workspace
from deployments.workspaces.roles import Role
from portal.accounts.models import User
from portal.audit.actions import Action
from portal.audit.append import Subject, append_event
from portal.audit.origin import Origin
from portal.web.text import printable


class RemovedMember(Exception):
    """The person was removed from the workspace. Only an invitation makes them a member again."""


def get_or_create_workspace(*, roboflow_slug: str, name: str, region: str, now: datetime) -> Workspace:
    """Return the workspace that Roboflow has under this slug in this region; create it if it is new.

    A new workspace is due for its first sync at once. Call it inside a transaction.
    """
    existing = Workspace.objects.filter(region=region, roboflow_slug=roboflow_slug).first()
    if existing:
        return existing
    workspace, _ = Workspace.objects.get_or_create(
        region=region,
        roboflow_slug=roboflow_slug,
        defaults={
            "slug": free_slug(roboflow_slug, region),
            "name": " ".join(printable(name or roboflow_slug).split()),
            "created_at": now,
            "sync_due_at": now,
        },
    )
    return workspace


def free_slug(roboflow_slug: str, region: str) -> str:
    """Return an unused slug for our addresses: Roboflow's, or with the region added, or with a number."""
    plain = slugify(roboflow_slug)[:80] or "workspace"
    candidates = [plain, f"{plain}-{region}", *(f"{plain}-{number}" for number in range(2, 1000))]
    taken = set(Workspace.objects.filter(slug__startswith=plain).values_list("slug", flat=True))
    return next(slug for slug in candidates if slug not in taken)


def join_by_key(*, user: User, workspace: Workspace, by: Origin, now: datetime) -> Membership:
    """Return the person's membership; create it for the holder of a valid key who has none.

    The first member becomes manager, later ones operators; an existing role stays as it is. Raises
    RemovedMember. Call it inside a transaction.
    """
    existing = Membership.objects.filter(user=user, workspace=workspace).first()
    if existing and existing.removed_at:
        raise RemovedMember
    if existing:
        return existing
    first = not Membership.objects.filter(workspace=workspace).exists()
    return add_member(
        user=user, workspace=workspace, role=Role.MANAGER if first else Role.OPERATOR, by=by, now=now
    )


def add_member(*, user: User, workspace: Workspace, role: Role, by: Origin, now: datetime) -> Membership:
    """Create a membership with `role`, or restore a removed one; audit it. Call it inside a transaction."""
    membership, _ = Membership.objects.update_or_create(
        user=user,
        workspace=workspace,
        defaults={"role": role, "joined_at": now, "removed_at": None},
    )
    append_event(
        Action.MEMBER_JOINED,
        by=by,
        at=now,
        about=Subject(type="member", id=str(user.pk), name=user.email),
        workspace=workspace,
        changes={"role": (None, str(role))},
    )
    return membership
