"""Which rows a list can change, so that a sync reads only these, and with which rows a list agrees."""

from django.db.models import Q

from deployments.fleet.compare import Comparison
from deployments.fleet.evidence import QUESTION_SIZE
from deployments.fleet.models import Deployment
from deployments.ledger.kinds import DELETED
from deployments.roboflow.parse import parse_deployment
from deployments.roboflow.schema import DeploymentList, DeploymentReport
from deployments.workspaces.models import Workspace
from portal.web.batched import batched
from portal.web.many_rows import update_rows

# Rows that a list changes though it says of them what it said last time.
IS_ODD = Q(missing_since__isnull=False) | Q(is_listed=False) | (Q(gone_at__isnull=False) & ~Q(status=DELETED))


def rows_in_question(
    workspace: Workspace, answer: DeploymentList
) -> tuple[dict[str, Deployment], list[DeploymentReport]]:
    """Return the rows that a list may change, by deployment_id, and reports that it leaves out of them.

    These are rows whose entry is written otherwise than last time, rows that the list lacks, and those that
    are missing, gone, or new to lists. Of these, an entry that is unchanged reports what the row has.
    """
    rows = Deployment.objects.filter(workspace=workspace)
    if not answer.unchanged:
        return {row.deployment_id: row for row in rows}, []
    odd = {row.deployment_id: row for row in rows.filter(IS_ODD)}
    listed = {report.deployment_id for report in answer.deployments}
    known = set(rows.values_list("deployment_id", flat=True))
    asked = (listed | (known - answer.unchanged)) - odd.keys()
    found = odd | {
        row.deployment_id: row
        for ids in batched(asked, QUESTION_SIZE)
        for row in rows.filter(deployment_id__in=ids)
    }
    again = [parse_deployment(row.upstream) for row in odd.values() if row.deployment_id in answer.unchanged]
    return found, again


def store_agreement(
    rows: dict[str, Deployment], found: Comparison, answer: DeploymentList, *, except_for: set[str]
) -> bool:
    """Keep the digests of entries that say what their rows say. Return whether the whole list agrees.

    It does not while something is disputed, not listed, or was written after the list was asked for.
    """
    listed = answer.unchanged | {report.deployment_id for report in answer.deployments}
    unlisted = {row_id for row_id, row in rows.items() if row_id not in listed and not row.gone_at}
    left_open = {*except_for, *found.disputed, *found.skipped, *found.looked_up, *unlisted}
    agreed = [
        rows[row_id]
        for row_id in (answer.digests.keys() & rows.keys()) - found.touched - left_open
        if rows[row_id].list_digest != answer.digests[row_id]
    ]
    for row in agreed:
        row.list_digest = answer.digests[row.deployment_id]
    update_rows(agreed, ["list_digest"])
    return not left_open
