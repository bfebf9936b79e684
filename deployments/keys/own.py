"""A person's own key for a workspace: without one they may look, but not act."""

from deployments.keys.models import ApiKey, KeyState
from deployments.workspaces.models import Membership
from portal.accounts.models import User
from portal.web.errors import Refused


def own_key(membership: Membership) -> ApiKey | None:
    """Return the key that this member holds for this workspace, whatever its state; read once per request."""
    if not hasattr(membership, "own_key"):
        key = ApiKey.objects.held_by(membership.user, membership.workspace).first()
        if key:
            key.user, key.workspace = membership.user, membership.workspace
        membership.own_key = key  # type: ignore[attr-defined]
    found: ApiKey | None = membership.own_key  # type: ignore[attr-defined]
    return found


def lock_key(key: ApiKey) -> None:
    """Keep a key from being removed until the transaction ends. Raises Refused when it is gone already."""
    if not ApiKey.objects.select_for_update(no_key=True).filter(pk=key.pk).exists():
        raise Refused(
            needed="a Roboflow key of your own for this workspace: it was removed just now",
            who="you: add it under Keys",
        )


def own_valid_key(membership: Membership) -> ApiKey:
    """Return the member's own key. Raises Refused, which says what is missing, when there is none that works."""
    key = own_key(membership)
    if key is None:
        raise Refused(needed="a Roboflow key of your own for this workspace", who="you: add it under Keys")
    if key.state != KeyState.VALID:
        raise Refused(
            needed=f"a Roboflow key that works: yours is {key.get_state_display()}",
            who="you: replace it under Keys",
        )
    return key


def troubled_keys(user: User) -> list[ApiKey]:
    """Return the person's keys that Roboflow refused or that cannot be opened, to be shown where they hurt."""
    return list(
        ApiKey.objects.filter(user=user, state__in=(KeyState.REFUSED, KeyState.UNREADABLE)).select_related(
            "workspace"
        )
    )
