"""The last 24 hours of many deployments at once, as small bars for the rows of the fleet."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

from deployments.fleet.models import Deployment, StatusChange
from deployments.fleet.observed import gaps_of
from deployments.fleet.timeline import Segment, draw_spans, status_spans
from deployments.workspaces.models import Workspace

STRIP_SPAN = timedelta(hours=24)


def strips_of(
    workspace: Workspace, deployments: Sequence[Deployment], *, now: datetime
) -> dict[int, list[Segment]]:
    """Return the segments of the last 24 hours by the deployment's primary key, with two queries."""
    start = now - STRIP_SPAN
    gaps = gaps_of(workspace, start=start, now=now) if deployments else []
    changed = [one.pk for one in deployments if one.status_since > start or (one.gone_at or start) > start]
    steps: dict[int, list[tuple[datetime, str]]] = defaultdict(list)
    found = StatusChange.objects.filter(deployment_id__in=changed, observed_at__gt=start)
    for step in found.order_by("observed_at", "pk"):
        if not steps[step.deployment_id] and step.before:
            steps[step.deployment_id].append((start, step.before))
        steps[step.deployment_id].append((step.observed_at, step.after))
    strips = {}
    for one in deployments:
        known = steps.get(one.pk) or ([] if one.gone_at else [(one.status_since, one.status)])
        spans = status_spans(known, start=start, end=now, gaps=gaps)
        strips[one.pk] = draw_spans(spans, start=start, end=now)
    return strips
