"""Decide whether a background read may call Roboflow now, and store what each call shows.

Each exchange is counted, and changes the state of its region (breaker, clock) and workspace (Retry-After).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q

from deployments.keys.breaker import is_silence, may_read, record_answer, record_silence, release_probe
from deployments.keys.models import Call, RegionState
from deployments.keys.regions import record_clock
from deployments.roboflow.client import KEY_CHECK_ENDPOINTS
from deployments.roboflow.record import CallRecord
from deployments.workspaces.models import LONGEST_PATIENCE, Workspace
from portal.clock import now as clock

SILENT = "Roboflow does not answer. The portal tries again with one call at a time."
TIMER_SLACK = timedelta(seconds=0.1)  # a wait may end this much early


class ReadingPaused(Exception):
    """Nothing was sent: background reads wait until `retry_at`. `reading` says why, for a person.

    `since` is when Roboflow was first found silent; None when it asked for the pause.
    """

    def __init__(self, reading: str, *, retry_at: datetime, since: datetime | None = None) -> None:
        super().__init__(reading)
        self.reading = reading
        self.retry_at = retry_at
        self.since = since


@dataclass(frozen=True)
class Reading:
    """A background read that may call Roboflow now. As a probe, it tries a silent region."""

    region: str
    workspace_id: int | None
    is_probe: bool = False

    def may_go_on(self) -> bool:
        """Return whether the read may be tried again: neither silence nor a Retry-After came meanwhile."""
        is_silent = RegionState.objects.silent(self.region).exists()
        return not is_silent and patience_until(self.workspace_id, now=clock() + TIMER_SLACK) is None


def request_reading(region: str, workspace_id: int | None) -> Reading:
    """Return a background read that may be made now; it may be the one probe of a silent region.

    Raises ReadingPaused while the region is silent, or while the workspace must wait after a 429.
    """
    current_time = clock()
    if until := patience_until(workspace_id, now=current_time):
        reading = f"Roboflow asks the portal to wait until {until:%H:%M:%S} UTC: too many calls."
        raise ReadingPaused(reading, retry_at=until)
    permission = may_read(region, current_time)
    if not permission:
        retry_at = permission.retry_at or current_time
        raise ReadingPaused(SILENT, retry_at=retry_at, since=permission.silent_since)
    return Reading(region, workspace_id, permission.is_probe)


def patience_until(workspace_id: int | None, *, now: datetime) -> datetime | None:
    """Return until when background reads of a workspace must wait after a 429, or None if they need not.

    A time further ahead than the longest patience was written before the clock was set back, and is over.
    """
    if workspace_id is None:
        return None
    waiting = Workspace.objects.filter(
        pk=workspace_id, patience_until__gt=now, patience_until__lte=now + LONGEST_PATIENCE
    )
    until: datetime | None = waiting.values_list("patience_until", flat=True).first()
    return until


def store_call(
    record: CallRecord, *, region: str, workspace_id: int | None = None, reading: Reading | None = None
) -> None:
    """Count an exchange that just ended, and write what it shows about its region and workspace.

    `reading` is the permission of a background read, None for other calls.
    """
    current_time = clock()
    Call.objects.create(
        at=current_time,
        region=region,
        endpoint=record.endpoint,
        outcome=record.outcome,
        status=record.status,
        milliseconds=record.milliseconds,
    )
    if record.endpoint in KEY_CHECK_ENDPOINTS:
        return  # it is at another address, so it shows nothing about the deployments API
    record_region(record, region=region, reading=reading, now=current_time)
    if workspace_id is not None and record.retry_after_seconds:
        be_patient(workspace_id, seconds=record.retry_after_seconds, now=current_time)
    if record.clock_difference_seconds is not None:
        record_clock(region, record.clock_difference_seconds, now=current_time)


def record_region(record: CallRecord, *, region: str, reading: Reading | None, now: datetime) -> None:
    """Tell the region's breaker how a call ended: with an answer, in silence, or in another way."""
    seconds = record.milliseconds / 1000
    is_probe = reading is not None and reading.is_probe
    if record.status is not None:
        record_answer(region, now=now)
    elif is_silence(timed_out=record.timed_out, seconds=seconds):
        record_silence(
            region,
            started=now - timedelta(seconds=seconds),
            now=now,
            is_background=reading is not None,
            is_probe=is_probe,
        )
    elif is_probe:
        release_probe(region, now=now)


def be_patient(workspace_id: int, *, seconds: float, now: datetime) -> None:
    """Let the background reads of a workspace wait for a Retry-After, up to an hour. A longer wait stays."""
    until = now + min(timedelta(seconds=seconds), LONGEST_PATIENCE)
    is_shorter = Q(patience_until=None) | Q(patience_until__lt=until)
    is_from_another_clock = Q(patience_until__gt=now + LONGEST_PATIENCE)  # the clock was set back since
    workspaces = Workspace.objects.filter(is_shorter | is_from_another_clock, pk=workspace_id)
    workspaces.update(patience_until=until)
