"""A person's own key for a workspace. Without one they may see the workspace, but change nothing in it."""

from django.utils.translation import gettext as _

from deployments.keys.models import ApiKey
from deployments.workspaces.models import Membership
from portal.web.errors import Refused


def own_key(membership: Membership) -> ApiKey | None:
    """Return the member's key for this workspace, in any state, or None. Read once per membership object."""
    if not hasattr(membership, "own_key"):
        key = ApiKey.objects.held_by(membership.user, membership.workspace).first()
        if key:
            key.user, key.workspace = membership.user, membership.workspace
        membership.own_key = key  # type: ignore[attr-defined]
    found: ApiKey | None = membership.own_key  # type: ignore[attr-defined]
    return found


def lock_key(key: ApiKey) -> None:
    """Lock the key's row until the transaction ends. Raises Refused when the key has been removed."""
    if not ApiKey.objects.select_for_update(no_key=True).filter(pk=key.pk).exists():
        raise Refused(
            needed=_("a Roboflow key of your own for this workspace: it was removed just now"),
            who=_("you: add it under Keys"),
        )


def own_valid_key(membership: Membership) -> ApiKey:
    """Return the member's own key. Raises Refused, saying what is needed, if there is none that works."""
    key = own_key(membership)
    if key is None:
        raise Refused(
            needed=_("a Roboflow key of your own for this workspace"), who=_("you: add it under Keys")
        )
    if not key.works:
        raise Refused(
            needed=_("a Roboflow key that works: yours is %(state)s") % {"state": key.get_state_display()},
            who=_("you: replace it under Keys"),
        )
    return key
