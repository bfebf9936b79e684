"""The revision of a workspace: it grows with every visible change, and polls compare it."""

from datetime import datetime

from django.db.models import F

from deployments.workspaces.models import Workspace


def bump_revision(workspace_id: int) -> None:
    """Let the revision grow: pages that poll render again."""
    Workspace.objects.filter(pk=workspace_id).update(revision=F("revision") + 1)


def page_revision(workspace: Workspace, *, now: datetime) -> str:
    """Return the mark of what a workspace's pages show; it changes with every visible change, and with the age warning."""
    return f"{workspace.revision}.{workspace.staleness(now)}"
