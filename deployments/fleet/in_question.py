"""Which rows a list can change, so that a sync reads only these, and with which rows a list agrees."""

from deployments.fleet.compare import Comparison
from deployments.fleet.evidence import QUESTION_SIZE
from deployments.fleet.models import Deployment
from deployments.roboflow.schema import DeploymentList
from deployments.workspaces.models import Workspace
from portal.web.batched import batched
from portal.web.many_rows import update_rows


def rows_in_question(workspace: Workspace, answer: DeploymentList) -> dict[str, Deployment]:
    """Return the rows that a list may change, by deployment_id.

    These are rows whose entry is written otherwise than last time, rows that the list lacks, and those
    without a digest: written since, missing, or new to lists. Of those that are gone, only what is listed.
    """
    rows = Deployment.objects.filter(workspace=workspace)
    left = rows.filter(gone_at=None)
    found = {row.deployment_id: row for row in (left.filter(list_digest=None) if answer.unchanged else left)}
    listed = {report.deployment_id for report in answer.deployments}
    asked = listed | answer.unlisted | answer.digests.keys()  # the last: also what could not be read
    for ids in batched(asked - found.keys(), QUESTION_SIZE):
        found |= {row.deployment_id: row for row in rows.filter(deployment_id__in=ids)}
    return found


def store_agreement(
    rows: dict[str, Deployment], found: Comparison, answer: DeploymentList, *, except_for: set[str]
) -> bool:
    """Keep the digests of entries that say what their rows say. Return whether the whole list agrees.

    It does not while something is disputed, not listed, or was written after the list was asked for. The
    digest of a deleted deployment that left the list is dropped: nothing compares it any more.
    """
    listed = answer.unchanged | {report.deployment_id for report in answer.deployments}
    unlisted = {row_id for row_id, row in rows.items() if row_id not in listed}
    lacking = {row_id for row_id in unlisted if not rows[row_id].gone_at}
    left_open = {*except_for, *found.disputed, *found.skipped, *found.looked_up, *lacking}
    agreed = (answer.digests.keys() & rows.keys()) - found.touched - left_open
    digests: dict[str, str | None] = {row_id: answer.digests[row_id] for row_id in agreed}
    digests |= dict.fromkeys(unlisted - lacking)
    changed = [rows[row_id] for row_id, digest in digests.items() if rows[row_id].list_digest != digest]
    for row in changed:
        row.list_digest = digests[row.deployment_id]
    update_rows(changed, ["list_digest"])
    return not left_open
