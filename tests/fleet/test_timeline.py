"""The bar of a deployment's states: segments in their place, and nothing where nothing was observed."""

from datetime import UTC, datetime, timedelta

import pytest

from deployments.fleet.timeline import DRAWING_WIDTH, timeline_segments

START = datetime(2026, 1, 1, tzinfo=UTC)
END = START + timedelta(hours=10)


def hour(number):
    return START + timedelta(hours=number)


def drawn(*steps):
    """Return (x, width, status) of the segments of steps of (hour, status)."""
    segments = timeline_segments([(hour(at), status) for at, status in steps], start=START, end=END)
    return [(one.x, one.width, one.status) for one in segments]


def test_without_steps_nothing_is_drawn():
    assert drawn() == []


def test_steps_fill_the_bar_up_to_its_end():
    assert drawn((0, "pending"), (1, "ready"), (6, "paused")) == [
        (0, 100, "pending"),
        (100, 500, "ready"),
        (600, 400, "paused"),
    ]


def test_nothing_is_drawn_before_the_deployment_was_seen():
    assert drawn((4, "ready")) == [(400, 600, "ready")]


def test_what_began_before_the_range_is_cut_at_its_start():
    assert drawn((-20, "ready"), (-5, "paused"), (5, "ready")) == [(0, 500, "paused"), (500, 500, "ready")]


def test_steps_after_the_range_are_not_drawn():
    assert drawn((5, "ready"), (12, "paused"), (14, "ready")) == [(500, 500, "ready")]


def test_a_deployment_that_is_gone_has_no_segment_until_it_is_back():
    assert drawn((0, "ready"), (2, "gone"), (8, "ready")) == [(0, 200, "ready"), (800, 200, "ready")]


def test_a_short_status_is_still_wide_enough_to_be_seen():
    assert drawn((0, "ready"), (5, "paused"), (5.0001, "ready"))[1] == (500, 1, "paused")


def test_a_segment_says_from_when_to_when_it_was_so():
    (segment,) = timeline_segments([(hour(-1), "ready")], start=START, end=END)

    assert (segment.start, segment.end) == (START, END)
    assert (segment.x, segment.width) == (0, DRAWING_WIDTH)


@pytest.mark.parametrize(
    ("status", "look"), [("ready", "ready"), ("failed", "failed"), ("hibernating", "other"), ("", "other")]
)
def test_a_status_that_we_do_not_know_has_the_neutral_look(status, look):
    (segment,) = timeline_segments([(START, status)], start=START, end=END)

    assert (segment.look, segment.status) == (look, status)


def test_the_page_of_a_deployment_draws_its_timeline_for_the_chosen_range(ana, fleet, worker, sandbox):
    row = fleet["pallet-counter"]
    row.timeline.update(observed_at=row.first_seen_at - timedelta(days=2))
    sandbox.change("pallet-counter", status="paused")
    worker.sync()
    path = f"/w/acme-vision/deployments/{row.deployment_id}/"

    day, week = ana.get(path), ana.get(f"{path}?range=7d")

    assert [one.status for one in day.context["segments"]] == ["ready", "paused"]
    assert day.context["segments"][0].x == 0 < 700 < week.context["segments"][0].x < 720
    assert [step.after for step in day.context["steps"]] == ["paused", "ready"]
    assert '<rect x="0.00"' in day.content.decode()
    assert ana.get(f"{path}?range=century").context["range"] == "24h"
