"""How long the history of deployments stays: HISTORY_RETENTION_DAYS. The trail's entries about it stay."""

from datetime import datetime

from django.db.models import Exists, OuterRef, QuerySet

from deployments.fleet.models import Deployment, ObservationGap, StatusChange
from deployments.ledger.retention import history_begins
from portal.web.many_rows import delete_few_at_a_time


def old_steps(before: datetime) -> QuerySet[StatusChange]:
    """Return the steps that were seen before a time, oldest first, without the last one of each deployment.

    That one tells since when, and by whom, the deployment is what it is.
    """
    later = StatusChange.objects.filter(
        deployment=OuterRef("deployment"), observed_at__gt=OuterRef("observed_at")
    )
    return StatusChange.objects.filter(Exists(later), observed_at__lt=before).order_by("observed_at")


def old_gaps(before: datetime) -> QuerySet[ObservationGap]:
    """Return the gaps that ended before a time."""
    return ObservationGap.objects.filter(end__lt=before).order_by("pk")


def old_deployments(before: datetime) -> QuerySet[Deployment]:
    """Return the deployments that are gone since before a time, longest first, with their timelines.

    One that a list still shows stays, as deleted, and so does one of which lines are stored.
    """
    gone = Deployment.objects.filter(gone_at__lt=before, list_digest=None)
    return gone.exclude(harvest__stored_lines__gt=0).order_by("gone_at")


def remove_old_history(*, now: datetime) -> int:
    """Remove steps, gaps and deployments that are too old; return how many in all."""
    before = history_begins(now)
    return sum(delete_few_at_a_time(rows(before)) for rows in (old_steps, old_gaps, old_deployments))
