"""When the portal did not look at Roboflow: these spans are *gaps*, in which nothing is known."""

from datetime import datetime, timedelta

from django.conf import settings

from deployments.fleet.models import ObservationGap
from deployments.fleet.timeline import Span
from deployments.workspaces.models import Workspace

LEAST_GAP = timedelta(minutes=5)


def longest_silence() -> timedelta:
    """Return how long after a read its answer still counts as what Roboflow reports."""
    return max(LEAST_GAP, 2 * timedelta(seconds=settings.SYNC_IDLE_SECONDS))


def record_gap(workspace: Workspace, *, now: datetime) -> None:
    """Write, when a read succeeds, that nothing was seen since the one before it, if that is long ago.

    `workspace` is as it was before the read.
    """
    last = workspace.synced_at
    if last is not None and now - last > longest_silence():
        ObservationGap.objects.create(workspace=workspace, start=last, end=now)


def gaps_of(workspace: Workspace, *, start: datetime, now: datetime) -> list[Span]:
    """Return the gaps that end after `start`, oldest first, with the one that goes on `now`, if any."""
    rows = ObservationGap.objects.filter(workspace=workspace, end__gt=start).order_by("end")
    gaps = list(rows.values_list("start", "end"))
    if workspace.synced_at is not None and now - workspace.synced_at > longest_silence():
        gaps.append((workspace.synced_at, now))
    return gaps
