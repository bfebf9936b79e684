"""How people come into a workspace: by a valid key of it, or by invitation."""

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
    """This person was removed from the workspace: only an invitation brings them back."""


def get_or_create_workspace(*, roboflow_slug: str, name: str, region: str, now: datetime) -> Workspace:
    """Return the workspace of Roboflow, made on first sight, due for its first sync. Call it inside a transaction."""
    found = Workspace.objects.filter(region=region, roboflow_slug=roboflow_slug).first()
    if found:
        return found
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
    """Return a slug of ours that nobody has: Roboflow's, else with the region, else with a number."""
    plain = slugify(roboflow_slug)[:80] or "workspace"
    wishes = [plain, f"{plain}-{region}", *(f"{plain}-{number}" for number in range(2, 1000))]
    taken = set(Workspace.objects.filter(slug__startswith=plain).values_list("slug", flat=True))
    return next(wish for wish in wishes if wish not in taken)


def join_by_key(*, user: User, workspace: Workspace, by: Origin, now: datetime) -> Membership:
    """Return the membership that a valid key gives: the first person becomes manager, later ones operators.

    A standing role never changes by a key. Raises Removed. Call it inside a transaction.
    """
    standing = Membership.objects.filter(user=user, workspace=workspace).first()
    if standing and standing.removed_at:
        raise RemovedMember
    if standing:
        return standing
    first = not Membership.objects.filter(workspace=workspace).exists()
    return add_member(
        user=user, workspace=workspace, role=Role.MANAGER if first else Role.OPERATOR, by=by, now=now
    )


def add_member(*, user: User, workspace: Workspace, role: Role, by: Origin, now: datetime) -> Membership:
    """Make or revive a membership with `role` and record it. Call it inside a transaction."""
    membership, _ = Membership.objects.update_or_create(
        user=user, workspace=workspace, defaults={"role": role, "joined_at": now, "removed_at": None}
    )
    about = Subject(type="member", id=str(user.pk), name=user.email)
    append_event(
        Action.MEMBER_JOINED,
        by=by,
        at=now,
        about=about,
        workspace=workspace,
        changes={"role": (None, str(role))},
    )
    return membership
