"""One breaker for each region: after a call timed out, background reads wait for one probe at a time.

    answers --a call timed out--> silent --any answer--> answers

While a region is silent, one background read may try it at each `next_probe_at`: after 5 s, then after twice as
long each time, up to 5 minutes. What a person waits for, and every change, is sent all the same, and its answer
ends the silence for everybody.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import F, Q

from deployments.keys.models import Call, RegionState
from deployments.roboflow.client import ATTEMPT_SLACK_SECONDS
from deployments.workspaces.models import Workspace

FIRST_BACK_OFF = timedelta(seconds=5)
LONGEST_BACK_OFF = timedelta(minutes=5)
MAX_DOUBLINGS = 6  # from 5 s to more than 5 minutes
# A call that was given less time than this, or than nearly a read time-out, says nothing when it times out.
SILENCE_SECONDS = 4.0
SILENT = "Roboflow does not answer. The portal tries again with one call at a time."


@dataclass(frozen=True)
class Permission:
    """Whether a background read may call a region now; if not, when to ask again. True or false as a whole."""

    is_given: bool
    is_probe: bool = False
    silent_since: datetime | None = None
    retry_at: datetime | None = None

    def __bool__(self) -> bool:
        return self.is_given


def may_read(region: str, now: datetime) -> Permission:
    """Return whether a background read may call the region at `now`; a silent one is tried by one probe only.

    Compare-and-set on `next_probe_at`: of two readers that are due, one becomes the probe. It is booked for as long
    as a call can take, so that a probe that is killed holds nobody up for longer.
    """
    state = RegionState.objects.filter(region=region).exclude(silent_since=None).first()
    if state is None:
        return Permission(is_given=True)
    if is_probe_due(state, now=now):
        unmoved = RegionState.objects.filter(region=region, next_probe_at=state.next_probe_at)
        booked_until = now + longest_call()
        if unmoved.exclude(silent_since=None).update(next_probe_at=booked_until):
            return Permission(is_given=True, is_probe=True)
        return Permission(is_given=False, silent_since=state.silent_since, retry_at=now + FIRST_BACK_OFF)
    return Permission(is_given=False, silent_since=state.silent_since, retry_at=state.next_probe_at)


def is_probe_due(state: RegionState, *, now: datetime) -> bool:
    """Return whether a silent region may be tried.

    A time further ahead than the longest back-off was written before the clock was set back, and counts as due.
    """
    due_at = state.next_probe_at
    return due_at is None or not now < due_at <= now + LONGEST_BACK_OFF


def longest_call() -> timedelta:
    """Return how long one attempt of a call can take; never more than the longest back-off."""
    seconds = settings.ROBOFLOW_CONNECT_TIMEOUT_SECONDS + settings.ROBOFLOW_READ_TIMEOUT_SECONDS
    return min(timedelta(seconds=seconds + ATTEMPT_SLACK_SECONDS), LONGEST_BACK_OFF)


def back_off(failures: int) -> timedelta:
    """Return the time until the next probe, after `failures` calls in a row that found the region silent."""
    doublings = min(max(failures - 1, 0), MAX_DOUBLINGS)
    return min(FIRST_BACK_OFF * 2**doublings, LONGEST_BACK_OFF)


def record_answer(region: str, *, now: datetime) -> None:
    """End the silence of a region, because it answered something. What waited for that is due now."""
    silent = RegionState.objects.filter(region=region).exclude(silent_since=None)
    if not silent.exists():
        return
    if silent.update(silent_since=None, next_probe_at=None, failures=0):
        waiting = Workspace.objects.filter(region=region, sync_due_at__gt=now).exclude(sync_error_reading="")
        patient = Q(patience_until__gt=now)
        waiting.exclude(patient).update(sync_due_at=now)


def record_silence(region: str, *, started: datetime, now: datetime, is_probe: bool) -> None:
    """Write that a call, sent at `started`, timed out at `now`; of a silent region, only a probe counts.

    Nothing is written when the region answered another call meanwhile: then it is not the region that is silent.
    """
    answered = Call.objects.filter(region=region, at__gt=started).exclude(status=None)
    if answered.exists():
        if is_probe:
            release_probe(region, now=now)
        return
    RegionState.objects.get_or_create(region=region)
    states = RegionState.objects.filter(region=region)
    first = {"silent_since": started, "failures": 1, "next_probe_at": now + back_off(1)}
    if states.filter(silent_since=None).update(**first) or not is_probe:
        return
    state = states.get()
    unmoved = states.filter(failures=state.failures).exclude(silent_since=None)
    unmoved.update(failures=F("failures") + 1, next_probe_at=now + back_off(state.failures + 1))


def release_probe(region: str, *, now: datetime) -> None:
    """Let the next probe of a silent region go soon: the last one ended without showing anything."""
    silent = RegionState.objects.filter(region=region).exclude(silent_since=None)
    for failures in silent.values_list("failures", flat=True):
        silent.filter(failures=failures).update(next_probe_at=now + back_off(failures))


def is_silence(*, timed_out: bool, seconds: float) -> bool:
    """Return whether a call shows that a region is silent: it timed out although it was given enough time."""
    enough = min(
        SILENCE_SECONDS,
        settings.ROBOFLOW_CONNECT_TIMEOUT_SECONDS,
        settings.ROBOFLOW_READ_TIMEOUT_SECONDS,
    )
    return timed_out and seconds >= 0.9 * enough
