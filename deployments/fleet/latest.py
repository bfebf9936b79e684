"""The latest results of a workspace: what became of operations and batches that have ended."""

from django.db.models import Count, Max, Q

from deployments.fleet.shown import reported_statuses
from deployments.ledger.models import Batch
from deployments.ledger.results import Result, result_of_batch, results_of
from deployments.ledger.states import ENDED_STATES, OPEN_STATES, State
from deployments.workspaces.models import Workspace

SHOWN_RESULTS = 5


def latest_results(workspace: Workspace) -> list[Result]:
    """Return the latest results, newest first. A batch is one of them after all of its operations ended."""
    rows = workspace.operations.filter(state__in=ENDED_STATES, batch=None, ended_at__isnull=False)
    latest = list(rows.select_related("actor").order_by("-ended_at")[:SHOWN_RESULTS])
    single = results_of(latest, statuses=reported_statuses(workspace, latest))
    found = [*single, *batch_results(workspace)]
    return sorted(found, key=lambda result: result.at, reverse=True)[:SHOWN_RESULTS]


def batch_results(workspace: Workspace) -> list[Result]:
    """Return the results of the latest batches that have ended, the newest first."""
    counts = {state: Count("operations", filter=Q(operations__state=state)) for state in State}
    newest = Batch.objects.filter(workspace=workspace).order_by("-requested_at")
    # These first, so that only their operations are counted.
    pks = list(newest.values_list("pk", flat=True)[:SHOWN_RESULTS])
    if not pks:
        return []
    rows = Batch.objects.filter(pk__in=pks).select_related("workspace", "actor")
    latest = rows.annotate(
        ended=Max("operations__ended_at"), **{f"n_{state}": n for state, n in counts.items()}
    )
    results = []
    for batch in latest.order_by("-requested_at"):
        by_state = {str(state): getattr(batch, f"n_{state}") for state in State}
        if not any(by_state[state] for state in OPEN_STATES):
            results.append(result_of_batch(batch, by_state, batch.ended or batch.requested_at))
    return results
