"""Roboflow's clock in each region: how far it is from ours, and times in the one or the other.

Each answer's Date header is a sample. The median of the last ones counts, so one odd Date shifts nothing.
"""

from datetime import datetime, timedelta
from statistics import median

from deployments.keys.models import RegionState
from portal.web.times import span_text

KEPT_SAMPLES = 5
LEAST_SAMPLES = 3
NONSENSE = timedelta(days=1)  # a Date this far from our time says nothing about a clock
NOISE = timedelta(seconds=2)  # smaller differences come from the measurement: a Date has whole seconds
SURE_FOR = timedelta(minutes=1)  # a sample that agrees is kept only when the last one is older than this
SHOWN = timedelta(seconds=5)  # people are told of larger differences
SURPRISE_MS = 1500  # a sample that differs by more than this is kept at once


def record_clock(region: str, difference_seconds: float, *, now: datetime) -> None:
    """Keep a sample of Roboflow's clock minus ours, in seconds, if it tells something new.

    Two processes may write at the same time: then a sample is lost, and the next call brings another.
    """
    if abs(difference_seconds) > NONSENSE.total_seconds():
        return
    sample = round(difference_seconds * 1000)
    state, _ = RegionState.objects.get_or_create(region=region)
    if is_known(state, sample, now=now):
        return
    samples = [*state.clock_samples, sample][-KEPT_SAMPLES:]
    difference = round(median(samples)) if len(samples) >= LEAST_SAMPLES else None
    RegionState.objects.filter(region=region).update(
        clock_samples=samples,
        clock_difference_ms=difference,
        measured_at=now,
    )


def is_known(state: RegionState, sample_ms: int, *, now: datetime) -> bool:
    """Return whether a sample only repeats what is known, so that most calls write nothing."""
    if (
        len(state.clock_samples) < KEPT_SAMPLES
        or state.clock_difference_ms is None
        or state.measured_at is None
    ):
        return False
    is_fresh = abs(now - state.measured_at) < SURE_FOR
    return is_fresh and abs(sample_ms - state.clock_samples[-1]) <= SURPRISE_MS >= abs(
        sample_ms - state.clock_difference_ms
    )


def clock_difference(region: str) -> timedelta:
    """Return Roboflow's clock minus ours; zero while it is not known, or too small to be measured."""
    state = RegionState.objects.filter(region=region).first()
    if state is None or state.clock_difference_ms is None:
        return timedelta(0)
    difference = timedelta(milliseconds=state.clock_difference_ms)
    return difference if abs(difference) > NOISE else timedelta(0)


def roboflow_time(region: str, at: datetime) -> datetime:
    """Return what Roboflow's clock shows when the portal's clock (portal.clock) shows `at`."""
    return at + clock_difference(region)


def portal_time(region: str, at: datetime) -> datetime:
    """Return what the portal's clock shows when Roboflow's clock shows `at`."""
    return at - clock_difference(region)


def certain_roboflow_time(region: str, at: datetime) -> datetime:
    """Return a time that Roboflow's clock has certainly reached when the portal's clock shows `at`.

    After a step of either clock the median needs a few calls to follow; the most cautious of the last samples
    does not. What is later than this may not have been written yet, so nothing later counts as read.
    """
    state = RegionState.objects.filter(region=region).first()
    if state is None or not state.clock_samples:
        return at
    return at + timedelta(milliseconds=min(state.clock_samples)) - NOISE


def difference_text(region: str) -> str:
    """Return how Roboflow's clock differs from the portal's, such as "5 min ahead of"; "" if hardly."""
    return difference_words(clock_difference(region))


def difference_words(difference: timedelta) -> str:
    """Return a difference of Roboflow's clock as difference_text() does."""
    if abs(difference) <= SHOWN:
        return ""
    rounded = timedelta(seconds=5 * round(abs(difference) / timedelta(seconds=5)))  # more is not known
    return f"{span_text(rounded)} {'ahead of' if difference > timedelta(0) else 'behind'}"
