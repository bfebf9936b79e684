"""Reads from the database what explains a list, or contradicts it: operations, and what was seen before."""

from datetime import datetime, timedelta

from deployments.fleet.compare import is_newer_than_list
from deployments.fleet.models import Deployment, StatusChange
from deployments.ledger.kinds import Kind
from deployments.ledger.models import Operation
from deployments.ledger.states import NOT_DONE_STATES, OPEN_STATES
from deployments.roboflow.schema import DeploymentReport
from deployments.workspaces.models import Workspace
from portal.web.batched import batched

# An operation explains changes that are seen this long after it was requested.
EXPLAINS_FOR = timedelta(days=1)
QUESTION_SIZE = 500  # values in one question to the database, which takes only so many


def ids_written_since(workspace: Workspace, started: datetime, *, now: datetime) -> set[str]:
    """Return the deployment_ids of the rows that were written after a list was requested at `started`."""
    written = Deployment.objects.filter(workspace=workspace, reported_at__gt=started)
    return {
        row_id
        for row_id, reported_at in written.values_list("deployment_id", "reported_at")
        if is_newer_than_list(reported_at, started, now=now)
    }


def statuses_left(
    rows: dict[str, Deployment],
    reports: dict[str, DeploymentReport],
    *,
    changed: set[str],
    since: datetime,
    until: datetime,
) -> dict[str, set[str]]:
    """Return the statuses that deployments were seen to leave between two times, by deployment_id.

    Only those of `changed` are asked for that are reported with another status than their row has.
    """
    found: dict[str, set[str]] = {}
    listed = [(rows[row_id], reports[row_id]) for row_id in changed if row_id in rows and row_id in reports]
    moved = [row.pk for row, report in listed if row.status_since > since and report.status != row.status]
    for pks in batched(moved, QUESTION_SIZE):
        steps = StatusChange.objects.filter(deployment__in=pks, observed_at__gt=since, observed_at__lte=until)
        for row_id, before in steps.values_list("deployment__deployment_id", "before"):
            found.setdefault(row_id, set()).add(before)
    return found


def new_names(rows: dict[str, Deployment], reports: dict[str, DeploymentReport]) -> set[str]:
    """Return the names of the deployments that are reported for the first time."""
    return {report.deployment_name for row_id, report in reports.items() if row_id not in rows}


def explaining_operations(
    workspace: Workspace, changed: set[str], names: set[str], *, now: datetime
) -> list[Operation]:
    """Return the operations that can explain what changed, newest first, without a cap.

    These are the open ones, those about the ids `changed`, and creates of the new `names` without an id.
    """
    recent = Operation.objects.filter(workspace=workspace, requested_at__gt=now - EXPLAINS_FOR)
    recent = recent.exclude(state__in=NOT_DONE_STATES)
    found = {operation.pk: operation for operation in recent.filter(state__in=OPEN_STATES)}
    for ids in batched(changed, QUESTION_SIZE):
        found |= {operation.pk: operation for operation in recent.filter(target_id__in=ids)}
    for some_names in batched(names, QUESTION_SIZE):
        unnamed = recent.filter(target_id="", target_name__in=some_names)
        found |= {operation.pk: operation for operation in unnamed}
    return sorted(found.values(), key=lambda operation: operation.requested_at, reverse=True)


def deleters_by_id(workspace: Workspace, ids: list[str]) -> dict[str, str]:
    """Return, for those of `ids` that somebody asked here to delete, the name of the person."""
    kinds = [kind for kind in Kind if kind.facts.removes]
    deletes = Operation.objects.sent().filter(workspace=workspace, kind__in=kinds, target_id__in=ids)
    return dict(deletes.order_by("requested_at").values_list("target_id", "actor_name"))
