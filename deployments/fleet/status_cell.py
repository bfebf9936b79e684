"""The two lines of a status cell: what the deployment is, or what became of the last operation on it."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from deployments.fleet.models import Deployment
from deployments.ledger.kinds import FAILED, PAUSED, PENDING, READY
from deployments.ledger.models import Operation
from deployments.ledger.results import told_state
from portal.web.statuses import status_text

KNOWN_STATUSES = (READY, PENDING, PAUSED, FAILED, "expired", "deleted")


@dataclass(frozen=True)
class StatusCell:
    """The first line is `text`; the second is `before`, how long ago `at` was, and `after`."""

    look: str  # of the CSS class
    text: str
    before: str = ""
    at: datetime | None = None
    after: str = ""
    hover: str = ""  # the e-mail of the person in the second line
    is_unknown_word: bool = False  # Roboflow's status is none of the documented ones


def status_word(status: str) -> str:
    """Return Roboflow's word as people read it: "Ready", "On hold"; "" for none."""
    return status_text(status).capitalize()


def cell_of_operation(operation: Operation) -> StatusCell:
    """Return the cell of an operation that is open, or that was not done and nobody has dealt with.

    "Pausing..." / "Ana, 8 s", or "Pause failed" / "Ana, 8 s".
    """
    hover = operation.actor.email if operation.actor else ""
    told = told_state(operation, "")
    return StatusCell(
        look=told.look,
        text=told.text,
        before=f"{operation.actor_name},",
        at=operation.requested_at,
        hover=hover,
    )


def cell_of_deployment(deployment: Deployment, *, usual: str = "") -> StatusCell:
    """Return the cell of what Roboflow reports: "Paused" / "by Ana, 2 h"."""
    if deployment.gone_at and deployment.status != "deleted":
        return StatusCell("deleted", _("Gone"), _("from Roboflow for"), deployment.gone_at)
    if deployment.missing_since:
        return StatusCell("failed", _("Missing"), _("in Roboflow's list for"), deployment.missing_since)
    status = deployment.status
    look = status if status in KNOWN_STATUSES else "other"
    text = status_word(status) or _("Not said")
    before, after = _("for"), ""
    by = deployment.status_by
    if status == PENDING:
        before, after = _("starting,"), _("- usually %(usual)s") % {"usual": usual} if usual else ""
    elif status not in (READY, "") and by:
        before = _("by %(by)s,") % {"by": by}
    elif status == PAUSED and deployment.status_before:
        before = _("outside the portal,")
    return StatusCell(look, text, before, deployment.status_since, after, is_unknown_word=look == "other")
