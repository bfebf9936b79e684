"""Ask for an early sync of a workspace; the rooms above publish and perform it."""

from datetime import datetime, timedelta

from django.db.models import F, Q

from deployments.workspaces.models import Workspace

LEAST_BETWEEN = timedelta(seconds=1)  # two reads of a list, however many operations wait for the next one
# A published sync that never began is due again after this, or after an idle interval if that is shorter.
LONGEST_UNBEGUN = timedelta(seconds=30)


def request_sync(workspace_id: int, *, now: datetime) -> None:
    """Make the next sync due now, or a second after the last one began. An earlier due time stays.

    A sync that is published and has not begun will read what the caller waits for: no second one follows.
    """
    is_coming = Q(sync_published_at__gt=now - LONGEST_UNBEGUN, sync_published_at__lte=now)
    rows = Workspace.objects.filter(~is_coming | Q(sync_published_at=None), pk=workspace_id)
    was_just_read = Q(sync_attempted_at__gt=now - LEAST_BETWEEN, sync_attempted_at__lte=now)
    is_later = Q(sync_due_at=None) | Q(sync_due_at__gt=now)
    if not rows.filter(was_just_read).update(sync_due_at=F("sync_attempted_at") + LEAST_BETWEEN):
        rows.filter(is_later).update(sync_due_at=now)
