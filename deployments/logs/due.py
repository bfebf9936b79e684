"""Which logs are read when: those that somebody has open first, then those that start, then the others."""

from datetime import datetime, timedelta
from functools import partial

from django.db.models import Case, F, Value, When

from deployments.fleet.models import Deployment
from deployments.keys.regions import roboflow_time
from deployments.ledger.kinds import PAUSED
from deployments.logs.budget import calls_left
from deployments.logs.coverage import covered_to
from deployments.logs.models import Harvest
from portal.queue.publish import publish
from portal.web.patience import write_if_free

WANTED_FOR = timedelta(seconds=20)  # after the last poll of a log page
WANTED_WRITTEN_EVERY = timedelta(seconds=8)  # pages poll every two seconds: not each poll needs a write
MOVING_EVERY = timedelta(seconds=15)  # a deployment that starts
QUIET_EVERY = timedelta(seconds=60)
BUDGET_PAUSE = timedelta(seconds=10)  # after a harvest that had no call left
QUIET_AT_ONCE = 3  # of one workspace, each time that the periodic task runs: calls are spread, not in bursts
MAX_PUBLISHED = 200  # harvests, each time that the periodic task runs
MAX_BEGUN = 1000  # logs, each time that the periodic task runs; the next run begins the others


def request_harvest(deployment: Deployment, *, since: datetime, now: datetime) -> Harvest:
    """Store that somebody reads the log since a time of Roboflow's clock. Publish a harvest if one is due.

    While the database is busy nothing is stored, and the next poll tries again.
    """
    state = Harvest.objects.filter(deployment=deployment).first() or Harvest(
        deployment=deployment, workspace_id=deployment.workspace_id
    )
    if deployment.is_over:
        return state
    is_earlier = state.wanted_from is None or since < state.wanted_from
    is_written = (
        state.wanted_until is not None and state.wanted_until >= now + WANTED_FOR - WANTED_WRITTEN_EVERY
    )
    if is_written and not is_earlier:
        return state
    state.wanted_from = min(since, state.wanted_from or since)
    state.wanted_until = now + WANTED_FOR
    if write_if_free(partial(store_wanted, state, now=now)) and state.asked_at == now:
        publish_claimed(deployment.pk, now=now)
    return state


def store_wanted(state: Harvest, *, now: datetime) -> None:
    """Store what is wanted of a log, in a new row if there is none. Claim the next harvest if it is due."""
    wanted = {"wanted_from": state.wanted_from, "wanted_until": state.wanted_until}
    if not Harvest.objects.filter(deployment=state.deployment).update(**wanted):
        new = {"workspace_id": state.workspace_id, **wanted}
        Harvest.objects.get_or_create(deployment=state.deployment, defaults=new)
    state.asked_at = now if claim_harvest(state.deployment_id, now=now) else None


def begin_harvests(*, now: datetime) -> int:
    """Make each log due that has no due time, unless its deployment is paused or gone; return how many."""
    running = Deployment.objects.live().exclude(status=PAUSED)
    new = running.filter(harvest=None).values_list("pk", "workspace_id")[:MAX_BEGUN]
    rows = [Harvest(deployment_id=pk, workspace_id=workspace_pk, due_at=now) for pk, workspace_pk in new]
    Harvest.objects.bulk_create(rows, ignore_conflicts=True)
    resumed = running.filter(harvest__due_at=None, harvest__isnull=False).values("pk")
    return len(rows) + Harvest.objects.filter(deployment__in=resumed).update(due_at=now)


def publish_due_harvests(*, now: datetime) -> int:
    """Publish a harvest for each due log, as far as the calls of its workspace go; return how many."""
    is_watched = Case(When(wanted_until__gt=now, then=Value(0)), default=Value(1))
    due = Harvest.objects.due(now).annotate(rank=is_watched)
    in_order = due.order_by("rank", F("due_at").asc(nulls_first=True), "pk")
    rows = in_order.values_list("deployment_id", "workspace_id", "rank")[:MAX_PUBLISHED]
    left: dict[tuple[int, int], int] = {}
    count = 0
    for deployment_pk, workspace_pk, rank in rows:
        place = (workspace_pk, rank)
        if place not in left:
            left[place] = calls_left(workspace_pk, is_watched=rank == 0, now=now)
            if rank:
                left[place] = min(left[place], QUIET_AT_ONCE)
        if left[place] > 0 and claim_harvest(deployment_pk, now=now):
            left[place] -= 1
            count += publish_claimed(deployment_pk, now=now)
    return count


def claim_harvest(deployment_pk: int, *, now: datetime) -> bool:
    """Claim the publishing of a due harvest. Return False if none is due, or one waits for a worker.

    Compare-and-set: of two pages or hosts that ask at once, one publishes. So at most one harvest of each log
    is in the queue, however long Roboflow is silent.
    """
    return bool(Harvest.objects.due(now).filter(deployment=deployment_pk).update(asked_at=now))


def publish_claimed(deployment_pk: int, *, now: datetime) -> bool:
    """Publish a harvest that was claimed at `now`. Give the claim back if the broker did not take it."""
    is_published = publish("logs.harvest", deployment_pk)
    if not is_published:
        Harvest.objects.filter(deployment=deployment_pk, asked_at=now).update(asked_at=None)
    return is_published


def is_name_free(deployment: Deployment) -> bool:
    """Return whether Roboflow can be asked for this log by the name of the deployment.

    Once a deployment is missing or gone, another one may have its name.
    """
    if not deployment.missing_since and not deployment.is_over:
        return True
    same_name = Deployment.objects.live().filter(
        workspace=deployment.workspace_id, deployment_name=deployment.deployment_name
    )
    return not same_name.exclude(pk=deployment.pk).exists()


def paused_since(deployment: Deployment) -> datetime | None:
    """Return when the log ended by a pause, by Roboflow's clock; None while the deployment is not paused."""
    if deployment.status != PAUSED:
        return None
    return roboflow_time(deployment.workspace.region, deployment.status_since)


def is_settled(deployment: Deployment) -> bool:
    """Return whether a paused deployment's log was read up to the pause, so that nothing new comes."""
    paused_at = paused_since(deployment)
    if paused_at is None:
        return False
    end = covered_to(deployment.pk)
    return end is not None and end >= paused_at


def next_due(deployment: Deployment, *, now: datetime, is_unfinished: bool) -> datetime | None:
    """Return when the log is to be read again though nobody has it open; None when nothing new comes.

    `is_unfinished` tells that a part of what is wanted was not reached yet.
    """
    if deployment.is_over:
        return None
    if deployment.is_moving or is_unfinished:
        return now + MOVING_EVERY
    return None if is_settled(deployment) else now + QUIET_EVERY
