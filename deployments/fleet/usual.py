"""How long a start usually takes, from what the portal has seen."""

from collections import defaultdict
from datetime import timedelta
from statistics import median

from deployments.fleet.models import StatusChange
from deployments.ledger.kinds import PENDING, READY
from deployments.workspaces.models import Workspace

COUNTED_STARTS = 200  # the latest ones in the workspace, of all machine types


def usual_starts(workspace: Workspace) -> dict[str, timedelta]:
    """Return the median time from pending to ready, by machine type; types that never started are left out.

    Roboflow gives no times, so these are between the two reads that saw the steps.
    """
    ends = StatusChange.objects.filter(deployment__workspace=workspace, before=PENDING, after=READY)
    latest = ends.order_by("-observed_at").values_list(
        "deployment_id", "deployment__machine_type", "observed_at"
    )[:COUNTED_STARTS]
    begins = defaultdict(list)
    starts = StatusChange.objects.filter(deployment_id__in={row[0] for row in latest}, after=PENDING)
    for deployment_id, observed_at in starts.values_list("deployment_id", "observed_at"):
        begins[deployment_id].append(observed_at)
    spans = defaultdict(list)
    for deployment_id, machine_type, ended_at in latest:
        if earlier := [began_at for began_at in begins[deployment_id] if began_at < ended_at]:
            spans[machine_type].append((ended_at - max(earlier)).total_seconds())
    return {machine_type: timedelta(seconds=median(seconds)) for machine_type, seconds in spans.items()}
