"""Read logs from Roboflow: the newest lines at each look, and what is missing until nothing is."""

import random
import time
from contextlib import suppress
from datetime import datetime, timedelta

from django.db.models import F, Q

from deployments.fleet.models import Deployment
from deployments.keys.open import KeyUnreadable
from deployments.keys.regions import certain_roboflow_time, roboflow_time
from deployments.keys.watch import ReadingPaused
from deployments.logs.budget import BudgetSpent
from deployments.logs.coverage import cover, covered_to, oldest_kept, unread_spans
from deployments.logs.due import BUDGET_PAUSE, is_name_free, is_settled, next_due, paused_since
from deployments.logs.models import HARVEST_EVERY, Harvest
from deployments.logs.reader import Look, SpanReader
from deployments.logs.spans import FIRST_SPAN, LATE, Span, recent_span
from deployments.roboflow.errors import RoboflowError
from portal.clock import now as clock
from portal.queue.lease import holding_lease

READ_SECONDS = 60.0  # deadline of one harvest, well below the time limit of a task
LAST_LOOK_SECONDS = 3.0  # of the look before a pause or a delete, which waits for it
SPREAD_SECONDS = 10.0  # after a pause of reading
RECENT_PAGES = 5  # of the newest lines, in one harvest
MISSING_PAGES = 20  # of what is missing, in one harvest


def harvest_deployment(deployment_pk: int) -> None:
    """Read the log of one deployment, unless that is being done or was just done."""
    Harvest.objects.filter(deployment=deployment_pk).update(asked_at=None)  # the message waits no more
    with holding_lease(f"logs.harvest.{deployment_pk}", now=clock()) as held:
        harvests = Harvest.objects.filter(deployment=deployment_pk).select_related("deployment__workspace")
        state = harvests.first()
        if held is None or state is None:
            return
        current_time = clock()
        if state.deployment.is_over:
            read_once_more(state)
            return
        # A little less than HARVEST_EVERY: a message that comes early must not cost a whole round.
        is_due = Q(harvested_at=None) | Q(harvested_at__lte=current_time - HARVEST_EVERY * 0.8)
        was_set_back = Q(harvested_at__gt=current_time + HARVEST_EVERY)  # the clock, since then
        if Harvest.objects.filter(is_due | was_set_back, pk=state.pk).update(harvested_at=current_time):
            read_and_plan(state, now=current_time)


def read_once_more(state: Harvest) -> None:
    """Read the newest lines of a deployment that has just ended, if Roboflow still has them; then no more."""
    if state.due_at is not None and is_name_free(state.deployment):
        read_quickly(state, seconds=LAST_LOOK_SECONDS)
    Harvest.objects.filter(pk=state.pk).update(due_at=None)


def read_and_plan(state: Harvest, *, now: datetime) -> None:
    """Read what can be read now, and store when the log is due again.

    An error ends the harvest and is stored, for the log page to show; so is why reading is paused.
    """
    is_watched = state.wanted_until is not None and state.wanted_until > now
    look = Look(time.monotonic() + READ_SECONDS, is_watched=is_watched, pages=MISSING_PAGES)
    is_unfinished, reading, upstream_text, due_at = True, "", "", None
    try:
        is_unfinished = read_log(state, look, now=now)
    except BudgetSpent:
        due_at = clock() + BUDGET_PAUSE
    except ReadingPaused as paused:
        # Not all logs at the same moment: what was too much before would be too much again.
        spread = timedelta(seconds=random.uniform(0, SPREAD_SECONDS))  # noqa: S311 - no secret
        reading, due_at = paused.reading, max(paused.retry_at, clock()) + spread
    except RoboflowError as error:
        reading, upstream_text, is_unfinished = error.reading, error.text, False
    except KeyUnreadable as error:
        reading, is_unfinished = str(error), False
    record_error(state, reading, upstream_text)
    due_at = due_at or next_due(state.deployment, now=clock(), is_unfinished=is_unfinished)
    Harvest.objects.filter(pk=state.pk).update(due_at=due_at)


def record_error(state: Harvest, reading: str, upstream_text: str) -> None:
    """Store how the harvest failed, in our words and Roboflow's; both are empty after a success."""
    if (state.error_reading, state.error) != (reading, upstream_text):
        Harvest.objects.filter(pk=state.pk).update(
            error_reading=reading,
            error=upstream_text,
            revision=F("revision") + 1,
        )


def read_log(state: Harvest, look: Look, *, now: datetime) -> bool:
    """Read the newest lines, then what is missing; return whether a missing part is left.

    Raises BudgetSpent, ReadingPaused, RoboflowError and KeyUnreadable. What was read until then is stored.
    """
    if not is_name_free(state.deployment):
        return False
    if not is_settled(state.deployment):
        read_recent(state, look, now=now)
    return read_missing(state, look)


def read_recent(state: Harvest, look: Look, *, now: datetime) -> None:
    """Read the newest lines. Some of them may still appear late, so nothing counts as read for good here."""
    region = state.deployment.workspace.region
    present = roboflow_time(region, now)
    span = recent_span(read_to=state.read_to, covered_to=covered_to(state.deployment_id), now=present)
    reader = SpanReader(state, span, look, pages=RECENT_PAGES, is_strict=False)
    reader.read()
    Harvest.objects.filter(pk=state.pk).update(read_to=certain_roboflow_time(region, now))


def read_missing(state: Harvest, look: Look) -> bool:
    """Read what is wanted and was never read for good, newest first; return whether a part is left.

    A line may appear LATE, so what is later than that is not asked for yet.
    """
    for span in due_spans(state, now=clock()):
        reader = SpanReader(state, span, look, pages=look.pages, is_strict=True)
        try:
            reader.read()
        finally:
            look.pages -= reader.count
            cover(state.deployment_id, reader.done)
        if reader.left is not None:
            return True
    return False


def due_spans(state: Harvest, *, now: datetime) -> list[Span]:
    """Return the missing parts of what is wanted that are read now, newest first.

    The part after the last that was read for good waits until it is as long as LATE, so that few calls read
    much: its lines were read once already. Before a pause it does not wait.
    """
    region = state.deployment.workspace.region
    present, last = certain_roboflow_time(region, now), covered_to(state.deployment_id)
    if last is None or state.wanted_from is None:
        state.wanted_from = min(state.wanted_from or present, present - FIRST_SPAN)
        Harvest.objects.filter(pk=state.pk).update(wanted_from=state.wanted_from)
    oldest = max(oldest_kept(now), state.pruned_to or state.wanted_from)
    wanted = Span(max(state.wanted_from, oldest), present - LATE)
    return [
        span
        for span in unread_spans(state.deployment, wanted)
        if span.start != last or span.end - span.start >= LATE or is_end_of_log(state.deployment, span)
    ]


def is_end_of_log(deployment: Deployment, span: Span) -> bool:
    """Return whether a part has the last lines before a pause."""
    paused_at = paused_since(deployment)
    return paused_at is not None and span.start <= paused_at <= span.end


def read_last_lines(workspace_id: int, deployment_id: str, *, seconds: float) -> None:
    """Read the newest lines now, because a change that is about to be made ends the log.

    It takes at most LAST_LOOK_SECONDS, and at most `seconds`. Whatever goes wrong stops nothing.
    """
    rows = Deployment.objects.filter(workspace=workspace_id, deployment_id=deployment_id)
    deployment = rows.select_related("workspace").first()
    if deployment is None or seconds <= 0:
        return
    state, _ = Harvest.objects.get_or_create(
        deployment=deployment, defaults={"workspace_id": deployment.workspace_id, "due_at": clock()}
    )
    state.deployment = deployment
    read_quickly(state, seconds=min(seconds, LAST_LOOK_SECONDS))


def read_quickly(state: Harvest, *, seconds: float) -> None:
    """Read the newest lines within so many seconds. Whatever goes wrong stops nothing."""
    look = Look(time.monotonic() + seconds, is_watched=True, pages=0)
    with suppress(BudgetSpent, ReadingPaused, RoboflowError, KeyUnreadable):
        read_recent(state, look, now=clock())
