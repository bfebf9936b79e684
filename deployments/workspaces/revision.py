"""The revision of a workspace: a number that grows with every visible change. Polls compare it."""

from datetime import datetime

from django.db.models import F

from deployments.workspaces.models import Workspace


def bump_revision(workspace_id: int) -> None:
    """Increase the revision, so that the next poll of each page gets its new content."""
    Workspace.objects.filter(pk=workspace_id).update(revision=F("revision") + 1)


def page_revision(workspace: Workspace, *, now: datetime) -> str:
    """Return the revision that a page carries: the workspace's, and whether its age is warned about."""
    return f"{workspace.revision}.{workspace.staleness(now)}"
