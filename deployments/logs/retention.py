"""How long lines stay: LOG_RETENTION_DAYS, and for a workspace at most LOG_RETENTION_GB. The oldest go first.

Lines go by ten minutes, few at a time, so that nobody waits for the database meanwhile.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, Min, Q, QuerySet, Sum
from django.db.models.functions import Coalesce, Greatest

from deployments.logs.coverage import oldest_kept
from deployments.logs.models import COUNTED_TOGETHER, Harvest, Line, LineCount
from deployments.workspaces.models import Workspace

GIGABYTE = 10**9
REMOVED_AT_ONCE = 2_000  # lines, in one transaction
REMOVED_IN_A_RUN = 40_000  # lines; the next run goes on


def remove_old_lines(*, now: datetime) -> int:
    """Remove lines that are too old, then those beyond the size of each workspace; return how many."""
    removed = 0
    for count in [*counts_too_old(now=now), *counts_too_many()]:
        removed += remove_counted(count)
        if removed >= REMOVED_IN_A_RUN:
            break
    return removed


def counts_too_old(*, now: datetime) -> QuerySet[LineCount]:
    """Return the counts of ten minutes whose last line is older than LOG_RETENTION_DAYS, oldest first."""
    return LineCount.objects.filter(start__lte=oldest_kept(now) - COUNTED_TOGETHER).order_by("start", "pk")


def counts_too_many() -> list[LineCount]:
    """Return the oldest counts of each workspace that has more than LOG_RETENTION_GB, as many as must go."""
    found: list[LineCount] = []
    for workspace_pk, excess in excess_by_workspace().items():
        for count in LineCount.objects.filter(workspace=workspace_pk).order_by("start", "pk").iterator():
            if excess <= 0:
                break
            found.append(count)
            excess -= count.bytes
    return found


def excess_by_workspace() -> dict[int, int]:
    """Return by how many bytes a workspace has more than it may, for those that do."""
    limit = int(settings.LOG_RETENTION_GB * GIGABYTE)
    sums = LineCount.objects.values_list("workspace").annotate(total=Sum("bytes")).filter(total__gt=limit)
    return {workspace_pk: total - limit for workspace_pk, total in sums.order_by()}


def remove_counted(count: LineCount) -> int:
    """Remove the lines of ten minutes, or some of them if there are many; return how many were removed.

    What is older than a removed line is never read again.
    """
    end = count.start + COUNTED_TOGETHER
    lines = Line.objects.filter(
        deployment=count.deployment_id, timestamp__gte=count.start, timestamp__lt=end
    ).order_by("timestamp")
    removed = 0
    while removed < REMOVED_IN_A_RUN:
        with transaction.atomic():
            pks = list(lines.values_list("pk", flat=True)[:REMOVED_AT_ONCE])
            if not pks:
                LineCount.objects.filter(pk=count.pk).delete()
                break
            Line.objects.filter(pk__in=pks).delete()
            Harvest.objects.filter(deployment=count.deployment_id).update(
                pruned_to=Greatest(Coalesce(F("pruned_to"), end), end), revision=F("revision") + 1
            )
        removed += len(pks)
    return removed


@dataclass(frozen=True)
class Kept:
    """What the log store has of one workspace, and what goes within a day."""

    workspace: Workspace
    lines: int
    bytes: int
    oldest: datetime | None
    going_lines: int
    going_bytes: int


def kept_by_workspace(*, now: datetime) -> list[Kept]:
    """Return what is stored of each workspace, by name, with a preview of what retention will remove."""
    soon = Q(start__lte=oldest_kept(now + timedelta(days=1)) - COUNTED_TOGETHER)
    sums = {
        row["workspace"]: row
        for row in LineCount.objects.order_by()
        .values("workspace")
        .annotate(
            line_count=Sum("lines"),
            size=Sum("bytes"),
            oldest=Min("start"),
            soon_lines=Sum("lines", filter=soon),
            soon_bytes=Sum("bytes", filter=soon),
        )
    }
    excess: dict[int, tuple[int, int]] = {}
    for count in counts_too_many():
        lines, size = excess.get(count.workspace_id, (0, 0))
        excess[count.workspace_id] = lines + count.lines, size + count.bytes
    found = []
    for workspace in Workspace.objects.filter(pk__in=sums).order_by("name"):
        row, over = sums[workspace.pk], excess.get(workspace.pk, (0, 0))
        found.append(
            Kept(
                workspace=workspace,
                lines=row["line_count"],
                bytes=row["size"],
                oldest=row["oldest"],
                going_lines=max(row["soon_lines"] or 0, over[0]),
                going_bytes=max(row["soon_bytes"] or 0, over[1]),
            )
        )
    return found
