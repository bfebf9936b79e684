"""Roboflow's clock: taken from the Date headers of its answers, whatever a single one says."""

from datetime import timedelta

import pytest
from django.utils.timezone import now

from deployments.keys.models import RegionState
from deployments.keys.regions import (
    certain_roboflow_time,
    clock_difference,
    difference_text,
    portal_time,
    record_clock,
    roboflow_time,
)

pytestmark = pytest.mark.django_db


def record(*samples):
    """Record samples of Roboflow's clock minus ours, in seconds, one every second."""
    for number, sample in enumerate(samples):
        record_clock("us", sample, now=now() + timedelta(seconds=number))


def difference():
    return clock_difference("us").total_seconds()


@pytest.mark.parametrize("ahead", [300, -300])
def test_the_difference_is_measured_by_the_calls_that_are_made_anyway(ahead, ana, worker, sandbox):
    sandbox.set_clock(ahead)
    for _ in range(3):
        worker.sync()

    assert abs(difference() - ahead) < 2
    assert abs((roboflow_time("us", now()) - now()).total_seconds() - ahead) < 2
    assert portal_time("us", roboflow_time("us", now())) - now() < timedelta(seconds=1)


def test_with_right_clocks_there_is_no_difference(ana, worker, sandbox):
    for _ in range(3):
        worker.sync()

    assert difference() == 0 and difference_text("us") == ""


def test_each_region_has_a_clock_of_its_own():
    RegionState.objects.create(region="eu", clock_difference_ms=60_000, clock_samples=[60_000])
    record(300, 300, 300)

    assert (difference(), clock_difference("eu").total_seconds()) == (300, 60)
    assert clock_difference("moon") == timedelta(0)
    at = now()
    assert certain_roboflow_time("us", at) - at == timedelta(seconds=298)
    assert certain_roboflow_time("eu", at) - at == timedelta(seconds=58)


def test_before_three_answers_nothing_is_known():
    record(300, 300)

    assert difference() == 0


def test_one_odd_date_shifts_nothing():
    record(0, 0, 0, 0, 0, 4000, 0)

    assert difference() == 0


def test_a_step_of_a_clock_is_followed_within_three_answers():
    record(0, 0, 0, 0, 0, 300, 300, 300)

    assert difference() == 300


def test_a_date_of_another_day_says_nothing():
    record(90_000, 90_000, 90_000, -90_000)

    assert not RegionState.objects.exists()


def test_what_is_known_is_not_written_again(django_assert_max_num_queries):
    record(300, 300, 300, 300, 300)

    with django_assert_max_num_queries(1):
        record(300.4)


@pytest.mark.parametrize(("samples", "seconds"), [((), 0), ((300,), 298), ((0, 0, 0, 0, 0, -300), -302)])
def test_the_certain_time_is_that_of_the_most_cautious_sample(samples, seconds):
    record(*samples)
    at = now()

    assert certain_roboflow_time("us", at) - at == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(4, ""), (-4, ""), (300, "5 min ahead of"), (-299, "5 min behind"), (8, "10 s ahead of")],
)
def test_only_a_difference_above_five_seconds_is_put_into_words(seconds, text):
    record(seconds, seconds, seconds)

    assert difference_text("us") == text
