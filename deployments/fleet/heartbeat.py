"""The heartbeat of a workspace: how old the facts are, what runs, and what became of the last operations."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from deployments.fleet.overview import Overview, overview_of
from deployments.keys.models import ApiKey, KeyState
from deployments.keys.own import own_key
from deployments.ledger.models import Operation
from deployments.ledger.results import Result
from deployments.workspaces.models import Membership, Workspace
from deployments.workspaces.revision import page_revision

LOOKS = {  # state to the CSS class of its dot; red for others
    "live": "ready",
    "running": "pending",
    "reading": "pending",
    "silent": "paused",
    "unread": "paused",
}
SHOWN_RUNNING = 10  # the panel says how many more there are


@dataclass(frozen=True)
class Heartbeat:
    """What the heartbeat shows to one member. `state` is what its pill says."""

    workspace: Workspace
    key: ApiKey | None  # the member's own key, if it does not work
    staleness: str  # "", "amber" or "red"
    has_readers: bool  # whether any member holds a key that works
    overview: Overview
    rev: str  # the text that a poll compares

    @property
    def state(self) -> str:
        """What matters most: a key that does not work, then the age of the facts, then what runs."""
        if self.key:
            return "key"
        if not self.has_readers:
            return "unread"
        if self.workspace.synced_at is None:
            return "silent" if self.staleness else "reading"
        if self.staleness:
            return "no-news" if self.staleness == "red" else "silent"
        return "running" if self.running_count else "live"

    @property
    def is_stale(self) -> bool:
        """Whether the facts are so old that a line above the page says so."""
        return self.staleness == "red"

    @property
    def look(self) -> str:
        """The CSS class of its dot."""
        return LOOKS.get(self.state, "failed")

    @property
    def next_read_at(self) -> datetime | None:
        """When the portal reads the workspace again; None when no read is booked."""
        return self.workspace.sync_due_at if self.has_readers else None

    @property
    def running_count(self) -> int:
        """How many operations are open."""
        return len(self.overview.asked.open)

    @property
    def running(self) -> Sequence[Operation]:
        """The first SHOWN_RUNNING open operations, oldest first."""
        return self.overview.asked.open[:SHOWN_RUNNING]

    @property
    def more_running(self) -> int:
        """How many open operations the panel does not list."""
        return self.running_count - len(self.running)

    @property
    def results(self) -> list[Result]:
        """The latest results, newest first. A batch is one of them, when all of its operations have ended."""
        return self.overview.results

    @property
    def figures(self) -> dict[str, int]:
        """The four figures of the fleet: the mark, the favicon and the title follow them."""
        return self.overview.summary.figures


def heartbeat_of(membership: Membership, *, now: datetime) -> Heartbeat:
    """Return the heartbeat of the member's workspace."""
    workspace, key = membership.workspace, own_key(membership)
    is_broken = key is not None and key.state in (KeyState.REFUSED, KeyState.UNREADABLE)
    staleness, age = workspace.staleness(now), workspace.age(now)
    was_just_read = age is not None and not staleness  # which needs a key, so no query
    return Heartbeat(
        workspace=workspace,
        key=key if is_broken else None,
        staleness=staleness,
        has_readers=was_just_read or ApiKey.objects.readers(workspace).exists(),
        rev=page_revision(workspace, now=now),
        overview=overview_of(membership),
    )
