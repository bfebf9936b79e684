"""The strip under the top bar: how far our facts can be from the truth, and whose key does not work."""

from dataclasses import dataclass
from datetime import datetime

from deployments.keys.models import ApiKey, KeyState
from deployments.keys.own import own_key
from deployments.workspaces.models import Membership, Workspace


@dataclass(frozen=True)
class Strip:
    """What the strip shows; `rev` changes whenever it should be drawn anew."""

    workspace: Workspace
    level: str  # "", amber or red
    keys: list[ApiKey]
    has_readers: bool

    @property
    def rev(self) -> str:
        """Return the mark that a poll compares."""
        synced = int(self.workspace.synced_at.timestamp()) if self.workspace.synced_at else 0
        return f"{self.workspace.revision}.{self.level}.{synced if self.level else ''}"


def strip_of(membership: Membership, *, now: datetime) -> Strip:
    """Return the strip of a workspace for one member."""
    workspace = membership.workspace
    keys = [
        key for key in [own_key(membership)] if key and key.state in (KeyState.REFUSED, KeyState.UNREADABLE)
    ]
    level = workspace.staleness(now)
    has_readers = bool(workspace.synced_at and not level) or ApiKey.objects.readers(workspace).exists()
    return Strip(workspace, level, keys, has_readers)
