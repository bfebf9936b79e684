"""Clocks differ, or are set back: the fleet is told as it is."""

from datetime import timedelta

import pytest
from django.utils.timezone import now

from deployments.fleet.models import Deployment
from tests.people import operation_of


@pytest.mark.parametrize("ahead", [300, -300])
def test_changes_ages_and_expiry_are_right_whatever_roboflows_clock_says(ahead, ana, worker, sandbox, trail):
    sandbox.set_clock(ahead)
    worker.sync()
    created = operation_of(ana.create("clock-test", duration="2"))
    worker.drain()
    paused = operation_of(ana.ask(Deployment.objects.get(deployment_name="pallet-counter"), "pause"))
    worker.drain()
    workspace = worker.sync()

    row = Deployment.objects.get(deployment_name="clock-test")
    pages = [ana.get(path).content.decode() for path in ("/w/acme-vision/", row.get_absolute_url())]
    created.refresh_from_db()
    paused.refresh_from_db()
    assert (created.state, paused.state) == ("succeeded", "succeeded")
    assert [action for action in trail.actions() if action.startswith("outside.")] == []
    assert abs(row.expires_at - now() - timedelta(hours=2)) < timedelta(seconds=20)
    assert workspace.staleness(now()) == "" and timedelta(0) <= workspace.age(now()) < timedelta(seconds=5)
    assert not any(text in page for page in pages for text in ("in 4 min", "in 5 min", "5 min ago"))


@pytest.mark.parametrize("ahead", [300, -300])
def test_an_outside_change_is_told_with_the_time_when_the_portal_saw_it(ahead, fleet, worker, sandbox):
    sandbox.set_clock(ahead)
    sandbox.change("pallet-counter", status="paused")

    worker.sync()

    row = Deployment.objects.get(pk=fleet["pallet-counter"].pk)
    assert row.status == "paused"
    assert timedelta(0) <= now() - row.status_since < timedelta(seconds=5)


@pytest.mark.parametrize("back", [10, 60, 170, 3600])
def test_a_change_is_seen_at_once_after_the_portals_clock_was_set_back(back, fleet, worker, sandbox, trail):
    """Rows that were written before have times ahead of now."""
    ahead = now() + timedelta(seconds=back)
    Deployment.objects.update(reported_at=ahead, status_since=ahead)
    sandbox.change("pallet-counter", action="pause")

    worker.sync()

    row = Deployment.objects.get(pk=fleet["pallet-counter"].pk)
    assert row.status == "paused"
    assert [action for _, action, _ in trail.about(row)] == ["deployment.pause.outside"]
