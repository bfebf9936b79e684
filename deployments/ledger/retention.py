"""How long operations stay: HISTORY_RETENTION_DAYS after they ended. The trail's entries about them stay."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q, QuerySet

from deployments.ledger.models import Batch, Operation
from deployments.ledger.states import State
from portal.web.many_rows import delete_few_at_a_time


def history_begins(now: datetime) -> datetime:
    """Return the time from which on history is kept."""
    return now - timedelta(days=settings.HISTORY_RETENTION_DAYS)


def old_operations(before: datetime) -> QuerySet[Operation]:
    """Return the operations that ended before a time, oldest first, with their attempts.

    One that needs attention stays until somebody has dealt with it.
    """
    is_waiting = Q(state=State.NEEDS_ATTENTION, resolved_at=None, dismissed_at=None)
    return Operation.objects.filter(ended_at__lt=before).exclude(is_waiting).order_by("ended_at")


def remove_old_operations(*, now: datetime) -> int:
    """Remove operations that are too old, and batches of which none is left; return how many operations."""
    before = history_begins(now)
    removed = delete_few_at_a_time(old_operations(before))
    delete_few_at_a_time(Batch.objects.filter(requested_at__lt=before, operations=None).order_by("pk"))
    return removed
