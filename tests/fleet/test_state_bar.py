"""The state bar of a deployment's page: what it draws, marks, sums, and what the time cost."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from deployments.fleet.history import HistoryEntry
from deployments.fleet.models import Deployment, ObservationGap
from deployments.fleet.state_bar import Mark, cost_text, state_bar, sums_of, ticks_of
from deployments.fleet.timeline import StatusSpan
from portal.clock import now

NOON = datetime(2026, 1, 15, 12, 20, tzinfo=UTC)


def path_of(row):
    return f"/w/acme-vision/deployments/{row.deployment_id}/"


def hours(status, count):
    return StatusSpan(status, NOON, NOON + timedelta(hours=count))


def test_the_page_draws_the_chosen_range_and_an_unknown_range_is_the_shortest(ana, fleet, worker, sandbox):
    row = fleet["pallet-counter"]
    Deployment.objects.filter(pk=row.pk).update(first_seen_at=row.first_seen_at - timedelta(days=2))
    row.timeline.update(observed_at=row.first_seen_at - timedelta(days=2))
    sandbox.change("pallet-counter", status="paused")
    worker.sync()

    day, week = ana.get(path_of(row)).context["bar"], ana.get(f"{path_of(row)}?range=7d").context["bar"]

    assert [one.look for one in day.segments] == ["ready", "paused"]
    assert [one.look for one in week.segments] == [
        "unobserved",
        "ready",
        "paused",
    ]  # it is older than the portal
    assert week.segments[1].x == pytest.approx(71.4, abs=0.2)
    assert ana.get(f"{path_of(row)}?range=century").context["bar"].range == "24h"


def test_a_deployment_that_was_created_here_has_nothing_before_its_birth(fleet):
    row = fleet["pallet-counter"]
    row.seen_from_birth = True

    bar = state_bar(row, range_name="24h", now=now())

    assert [one.look for one in bar.segments] == ["ready"]


def test_a_gap_is_hatched_and_left_out_of_the_cost(ana, fleet):
    row, moment = fleet["pallet-counter"], now()
    Deployment.objects.filter(pk=row.pk).update(first_seen_at=moment - timedelta(days=3))
    row.timeline.update(observed_at=moment - timedelta(days=3))
    gap = {"start": moment - timedelta(hours=10), "end": moment - timedelta(hours=6)}
    ObservationGap.objects.create(workspace=row.workspace, **gap)

    page = ana.get(path_of(row))

    bar = page.context["bar"]
    assert [one.look for one in bar.segments] == ["ready", "unobserved", "ready"]
    assert [one.text for one in bar.sums] == ["Ready 20 h", "Not observed 4 h"]
    assert bar.cost == "About 5.0 credits, without the 4 h that were not observed."
    assert 'fill="url(#hatch)"' in page.content.decode()


def test_own_and_outside_changes_are_marked_with_who_and_what_and_lead_to_their_pages(
    ana, fleet, worker, sandbox
):
    row = fleet["pallet-counter"]
    ana.ask(row, "pause")
    worker.drain()
    worker.sync()
    sandbox.change("pallet-counter", status="ready")
    worker.sync()

    (mark,) = ana.get(path_of(row)).context["bar"].marks

    assert [entry.text for entry in mark.entries] == ["it was resumed", "paused it"]
    assert mark.text == "Outside the portal: it was resumed, and 1 more"
    assert ana.get(mark.url).status_code == 200


@pytest.mark.parametrize(("is_marked", "look"), [(True, "failed"), (False, "other")])
def test_a_mark_has_the_colour_of_failure_if_one_of_its_entries_failed(is_marked, look):
    entries = [HistoryEntry(NOON, "a"), HistoryEntry(NOON, "b", is_marked=is_marked)]

    assert Mark(1, entries).look == look


def test_hours_are_marked_in_the_time_zone_of_the_page():
    with timezone.override(ZoneInfo("Asia/Kolkata")):  # five and a half hours ahead
        ticks = ticks_of("24h", start=NOON - timedelta(hours=24), end=NOON)

    assert [text for _, text in ticks][:3] == ["18:30", "21:30", "00:30"]
    assert ticks_of("24h", start=NOON - timedelta(hours=24), end=NOON)[0][1] == "15:00"


def test_days_are_marked_at_midnight_of_the_time_zone():
    with timezone.override(ZoneInfo("Europe/Berlin")):
        ticks = ticks_of("7d", start=NOON - timedelta(days=7), end=NOON)

    assert [text for _, text in ticks] == [f"{day} Jan" for day in range(9, 16)]
    assert ticks[-1][0] == pytest.approx(100 - 100 * (13 * 60 + 20) / (7 * 24 * 60), abs=0.01)
    assert len(ticks_of("30d", start=NOON - timedelta(days=30), end=NOON)) == 6


def test_sums_are_in_words():
    sums = sums_of([hours("ready", 21.5), hours("on_hold", 2), hours("", 1), hours("unobserved", 3)])

    assert [one.text for one in sums] == [
        "Ready 21 h 30 min",
        "On hold 2 h",
        "No status 1 h",
        "Not observed 3 h",
    ]


@pytest.mark.parametrize(
    ("machine_type", "replicas", "spans", "text"),
    [
        ("prod-gpu", 1, [hours("ready", 2), hours("paused", 8)], "About 2.0 credits."),
        ("prod-gpu", 3, [hours("ready", 2)], "About 6.0 credits for 3 replicas."),
        ("prod-cpu", None, [hours("ready", 0.1)], "Less than 0.1 credits."),
        ("prod-cpu", 1, [hours("paused", 1)], "No credits."),
        ("prod-gpu", 1, [hours("unobserved", 1)], "Cost unknown: nothing was observed."),
        ("prod-gpu", 1, [], "Cost unknown: nothing was observed."),
        ("quantum", 1, [hours("ready", 1)], "Cost unknown: the settings have no price for quantum."),
        ("", 1, [hours("ready", 1)], "Cost unknown: the settings have no price for this machine."),
    ],
)
def test_the_observed_time_has_a_cost_or_it_is_unknown(machine_type, replicas, spans, text):
    assert cost_text(Deployment(machine_type=machine_type, num_replicas=replicas), spans) == text
