"""How many calls the harvests of a workspace may make: at most LOG_CALLS_PER_MINUTE.

A log that somebody has open may use all of them, the others only a part: so there is always something left
for the person who looks.
"""

from datetime import datetime

from django.conf import settings
from django.db.models import F

from deployments.logs.models import CallBudget

QUIET_SHARE = 0.75  # of the calls, for logs that nobody has open


class BudgetSpent(Exception):
    """The workspace has no call left for this harvest in this minute. Nothing was sent."""


def minute_of(at: datetime) -> int:
    """Return the number of the minute that a time is in."""
    return int(at.timestamp()) // 60


def limit_of(*, is_watched: bool) -> int:
    """Return the number of calls in a minute up to which a harvest may make another one; at least one."""
    limit: int = settings.LOG_CALLS_PER_MINUTE
    return limit if is_watched else max(1, int(limit * QUIET_SHARE))


def take_call(workspace_id: int, *, is_watched: bool, now: datetime) -> None:
    """Count a call that is about to be made. Raises BudgetSpent."""
    minute, limit = minute_of(now), limit_of(is_watched=is_watched)
    budgets = CallBudget.objects.filter(workspace=workspace_id)
    if budgets.filter(minute=minute, calls__lt=limit).update(calls=F("calls") + 1):
        return
    if budgets.exclude(minute=minute).update(minute=minute, calls=1):
        return
    _, is_first = CallBudget.objects.get_or_create(
        workspace_id=workspace_id, defaults={"minute": minute, "calls": 1}
    )
    if not is_first:
        raise BudgetSpent


def calls_left(workspace_id: int, *, is_watched: bool, now: datetime) -> int:
    """Return how many more calls a harvest may make in this minute."""
    used = CallBudget.objects.filter(workspace=workspace_id, minute=minute_of(now))
    count: int = used.values_list("calls", flat=True).first() or 0
    return max(0, limit_of(is_watched=is_watched) - count)
