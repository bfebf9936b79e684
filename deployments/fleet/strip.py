"""The strip under the top bar: how old the facts are, and whether your key works."""

from dataclasses import dataclass
from datetime import datetime

from deployments.keys.models import ApiKey, KeyState
from deployments.keys.own import own_key
from deployments.workspaces.models import Membership, Workspace


@dataclass(frozen=True)
class Strip:
    """What the strip shows to one member."""

    workspace: Workspace
    level: str  # how old the facts are: "", "amber" or "red"
    keys: list[ApiKey]  # the member's own key, if it does not work
    has_readers: bool  # whether any member holds a key that works

    @property
    def rev(self) -> str:
        """The text that a poll compares; it changes when the strip must be drawn again."""
        synced = int(self.workspace.synced_at.timestamp()) if self.workspace.synced_at else 0
        return f"{self.workspace.revision}.{self.level}.{synced if self.level else ''}"


def strip_of(membership: Membership, *, now: datetime) -> Strip:
    """Return the strip of the member's workspace."""
    workspace = membership.workspace
    key = own_key(membership)
    is_broken = key is not None and key.state in (KeyState.REFUSED, KeyState.UNREADABLE)
    level = workspace.staleness(now)
    was_just_read = workspace.synced_at is not None and not level  # which needs a key, so no query
    return Strip(
        workspace=workspace,
        level=level,
        keys=[key] if key and is_broken else [],
        has_readers=was_just_read or ApiKey.objects.readers(workspace).exists(),
    )
