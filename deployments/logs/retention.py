"""How long lines stay: LOG_RETENTION_DAYS, and for a workspace at most LOG_RETENTION_GB. The oldest go first.

Lines go by ten minutes, few at a time, so that nobody waits for the database meanwhile.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain

from django.conf import settings
from django.db import transaction
from django.db.models import F, Sum
from django.db.models.functions import Coalesce, Greatest

from deployments.logs.coverage import oldest_kept
from deployments.logs.models import COUNTED_TOGETHER, Harvest, Line, LineCount
from deployments.workspaces.models import Workspace

GIGABYTE = 10**9
REMOVED_AT_ONCE = 2_000  # lines, in one transaction
COUNTS_IN_A_RUN = 5_000  # of one workspace
REMOVED_IN_A_RUN = 40_000  # lines; the next run goes on


def remove_old_lines(*, now: datetime) -> int:
    """Remove lines that are too old, then those beyond the size of each workspace; return how many."""
    removed = 0
    for count in chain(counts_too_old(now=now), counts_too_many(stored_by_workspace())):
        removed += remove_counted(count)
        if removed >= REMOVED_IN_A_RUN:
            break
    return removed


def counts_too_old(*, now: datetime) -> Iterator[LineCount]:
    """Yield the counts of ten minutes whose last line is older than LOG_RETENTION_DAYS, oldest first.

    One workspace comes after the other: their counts have an index by workspace and time.
    """
    for workspace_pk in Workspace.objects.order_by("pk").values_list("pk", flat=True):
        counts = LineCount.objects.filter(workspace=workspace_pk)
        old = counts.filter(start__lte=oldest_kept(now) - COUNTED_TOGETHER)
        yield from old.order_by("start", "pk")[:COUNTS_IN_A_RUN]


def counts_too_many(stored: Mapping[int, tuple[int, int]]) -> list[LineCount]:
    """Return the oldest counts of each workspace that has more than LOG_RETENTION_GB, as many as must go.

    `stored` is what stored_by_workspace() returns.
    """
    found: list[LineCount] = []
    for workspace_pk, (_, size) in stored.items():
        excess = size - int(settings.LOG_RETENTION_GB * GIGABYTE)
        if excess <= 0:
            continue
        for count in LineCount.objects.filter(workspace=workspace_pk).order_by("start", "pk").iterator():
            if excess <= 0:
                break
            found.append(count)
            excess -= count.bytes
    return found


def stored_by_workspace() -> dict[int, tuple[int, int]]:
    """Return how many lines and bytes are stored of each workspace that has any."""
    found = {}
    for workspace_pk in Workspace.objects.values_list("pk", flat=True):  # by index, one after the other
        stored = Harvest.objects.filter(workspace=workspace_pk, stored_lines__gt=0)
        sums = stored.aggregate(lines=Sum("stored_lines"), bytes=Sum("stored_bytes"))
        if sums["lines"]:
            found[workspace_pk] = sums["lines"], sums["bytes"]
    return found


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
                Harvest.objects.filter(deployment=count.deployment_id).update(
                    stored_lines=F("stored_lines") - count.lines, stored_bytes=F("stored_bytes") - count.bytes
                )
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
    sums = stored_by_workspace()
    too_old_soon = oldest_kept(now + timedelta(days=1)) - COUNTED_TOGETHER
    excess: dict[int, tuple[int, int]] = {}
    for count in counts_too_many(sums):
        lines, size = excess.get(count.workspace_id, (0, 0))
        excess[count.workspace_id] = lines + count.lines, size + count.bytes
    found = []
    for workspace in Workspace.objects.filter(pk__in=sums).order_by("name"):
        counts, over = LineCount.objects.filter(workspace=workspace), excess.get(workspace.pk, (0, 0))
        old = counts.filter(start__lte=too_old_soon).aggregate(lines=Sum("lines"), bytes=Sum("bytes"))
        lines, size = sums[workspace.pk]
        first = counts.order_by("start").first()
        found.append(
            Kept(
                workspace=workspace,
                lines=lines,
                bytes=size,
                oldest=first.start if first else None,
                going_lines=max(old["lines"] or 0, over[0]),
                going_bytes=max(old["bytes"] or 0, over[1]),
            )
        )
    return found
