"""One breaker for each region: after a call timed out, background reads wait for one probe at a time.

    answers --a call timed out--> silent --any answer--> answers

While a region is silent, one background read may try it at each `next_probe_at`: after 5 s, then after twice
as long each time, up to 5 minutes. What a person waits for, and every change, is sent all the same, and its
answer ends the silence for everybody.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import F, Q

from deployments.keys.models import Call, RegionState
from deployments.roboflow.client import ATTEMPT_SLACK_SECONDS, KEY_CHECK_ENDPOINTS
from deployments.workspaces.models import LONGEST_BACK_OFF, Workspace

FIRST_BACK_OFF = timedelta(seconds=5)
MAX_DOUBLINGS = 7  # from 5 s to more than the longest back-off of anybody
# A call that was given less time than this, or than nearly a time-out, shows nothing when it times out.
SILENCE_SECONDS = 4.0


@dataclass(frozen=True)
class Permission:
    """Whether a background read may call a region now; if not, when to ask again. True or false itself."""

    is_given: bool
    is_probe: bool = False
    silent_since: datetime | None = None
    retry_at: datetime | None = None

    def __bool__(self) -> bool:
        return self.is_given


def may_read(region: str, now: datetime) -> Permission:
    """Return whether a background read may call the region at `now`; a silent one is tried by one probe only.

    Compare-and-set on `next_probe_at`: of two readers that are due, one becomes the probe. It is booked for
    as long as a call can take, so that a probe that is killed holds nobody up for longer.
    """
    state = RegionState.objects.silent(region).first()
    if state is None:
        return Permission(is_given=True)
    if not is_probe_due(state, now=now):
        return Permission(is_given=False, silent_since=state.silent_since, retry_at=state.next_probe_at)
    unmoved = RegionState.objects.silent(region).filter(next_probe_at=state.next_probe_at)
    if unmoved.update(next_probe_at=now + longest_call()):
        return Permission(is_given=True, is_probe=True)
    return Permission(is_given=False, silent_since=state.silent_since, retry_at=now + FIRST_BACK_OFF)


def is_probe_due(state: RegionState, *, now: datetime) -> bool:
    """Return whether a silent region may be tried.

    A time further ahead than the longest back-off was written before the clock was set back, and is due.
    """
    due_at = state.next_probe_at
    return due_at is None or not now < due_at <= now + LONGEST_BACK_OFF


def longest_call() -> timedelta:
    """Return how long one attempt of a call can take; never more than the longest back-off."""
    seconds = settings.ROBOFLOW_CONNECT_TIMEOUT_SECONDS + settings.ROBOFLOW_READ_TIMEOUT_SECONDS
    return min(timedelta(seconds=seconds + ATTEMPT_SLACK_SECONDS), LONGEST_BACK_OFF)


def back_off(failures: int, *, longest: timedelta = LONGEST_BACK_OFF) -> timedelta:
    """Return how long to wait after so many failures in a row: 5 s, doubled each time, up to `longest`."""
    doublings = min(max(failures - 1, 0), MAX_DOUBLINGS)
    return min(FIRST_BACK_OFF * 2.0**doublings, longest)


def record_answer(region: str, *, now: datetime) -> None:
    """End the silence of a region, because it answered. The syncs that waited for it are due now."""
    silent = RegionState.objects.silent(region)
    if not silent.exists():  # the usual case, in which nothing is to be written
        return
    if silent.update(silent_since=None, next_probe_at=None, failures=0):
        waiting = Workspace.objects.filter(region=region, sync_due_at__gt=now).exclude(sync_error_reading="")
        waiting.exclude(Q(patience_until__gt=now)).update(sync_due_at=now)


def record_silence(
    region: str, *, started: datetime, now: datetime, is_background: bool, is_probe: bool
) -> None:
    """Write that a call, sent at `started`, timed out at `now`; of a silent region, only a probe counts.

    Nothing is written when the region answered another call meanwhile: then the region is not silent. After a
    change that timed out, or another call that a person waited for, the first probe may go at once: the
    portal has to find out what became of it.
    """
    calls = Call.objects.filter(region=region, at__gt=started, at__lte=now)
    if calls.exclude(status=None).exclude(endpoint__in=KEY_CHECK_ENDPOINTS).exists():
        if is_probe:
            release_probe(region, now=now)
        return
    RegionState.objects.get_or_create(region=region)
    first_probe_at = now + back_off(1) if is_background else now
    answering = RegionState.objects.filter(region=region, silent_since=None)
    if answering.update(silent_since=started, failures=1, next_probe_at=first_probe_at) or not is_probe:
        return
    if state := RegionState.objects.silent(region).first():
        unmoved = RegionState.objects.silent(region).filter(failures=state.failures)
        unmoved.update(failures=F("failures") + 1, next_probe_at=now + back_off(state.failures + 1))


def release_probe(region: str, *, now: datetime) -> None:
    """Let the next probe of a silent region go after the present back-off: this one showed nothing."""
    if state := RegionState.objects.silent(region).first():
        RegionState.objects.silent(region).update(next_probe_at=now + back_off(state.failures))


def is_silence(*, timed_out: bool, seconds: float) -> bool:
    """Return whether a call shows that a region is silent: it timed out although it was given enough time."""
    enough = min(
        SILENCE_SECONDS,
        settings.ROBOFLOW_CONNECT_TIMEOUT_SECONDS,
        settings.ROBOFLOW_READ_TIMEOUT_SECONDS,
    )
    return timed_out and seconds >= 0.9 * enough
