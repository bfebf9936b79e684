"""The revision of a workspace: a number that grows with every visible change. Polls compare it.

A deployment and an operation carry the revision of their last change, so that a poll finds what is new.
"""

from datetime import datetime
from typing import Any

from django.db.models import F, QuerySet

from deployments.workspaces.models import Workspace


def bump_revision(workspace_id: int, *changed: QuerySet[Any]) -> None:
    """Increase the revision, so that the next poll of each page gets its new content; stamp `changed` rows.

    Call it in the transaction that writes the change: whoever reads the new revision then sees the rows, too.
    """
    Workspace.objects.filter(pk=workspace_id).update(revision=F("revision") + 1)
    stamp_revision(workspace_id, *changed)


def stamp_revision(workspace_id: int, *changed: QuerySet[Any]) -> None:
    """Write the workspace's present revision, which this transaction has increased, to the `changed` rows."""
    present = Workspace.objects.filter(pk=workspace_id).values("revision")[:1]
    for rows in changed:
        rows.update(revision=present)


def page_revision(workspace: Workspace, *, now: datetime) -> str:
    """Return the revision that a page carries: the workspace's, and whether its age is warned about."""
    return f"{workspace.revision}.{workspace.staleness(now)}"


def parse_revision(text: str) -> int | None:
    """Return the revision that a page sent with its question for what is new, or None if it is none."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 18 else None
