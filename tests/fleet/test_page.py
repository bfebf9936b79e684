"""The fleet page's rows: how many there are in all, and which ones changed since a revision."""

from datetime import timedelta

import pytest
from django.test import RequestFactory
from django.utils.timezone import now

from deployments.fleet.facets import Facets
from deployments.fleet.models import Deployment, StatusChange
from deployments.fleet.page import FleetPage
from deployments.ledger.models import Operation
from deployments.workspaces.models import Membership
from tests.people import operation_of


@pytest.fixture
def page_of(ana, fleet):
    """Return the fleet page of Ana for a query string."""

    def page(query=""):
        request = RequestFactory().get(f"/?{query}")
        return FleetPage(Membership.objects.get(user=ana.user), Facets.from_query(request.GET), now())

    return page


def names(rows):
    return sorted(row.name for row in rows)


def test_a_page_that_is_not_full_and_one_in_the_middle_say_the_same_total(page_of, fleet):
    count = Deployment.objects.live().count()
    assert count > 3

    assert page_of().total == count
    assert page_of("size=100&page=2").total == count
    assert page_of("q=nothing-has-this").total == 0


def test_a_full_page_is_not_taken_for_the_last_one(page_of, fleet):
    live = Deployment.objects.live().count()
    for number in range(100):
        at = now()
        Deployment.objects.create(
            workspace=fleet["pallet-counter"].workspace,
            deployment_id=f"id-{number}",
            deployment_name=f"more-{number}",
            first_seen_at=at,
            reported_at=at,
            status_since=at,
        )

    first, last = page_of("size=100"), page_of("size=100&page=2")

    assert first.total == last.total == live + 100
    assert (first.next_page, last.next_page, last.previous_page) == (2, None, 1)
    assert (first.last, last.last) == (100, live + 100)


def test_only_rows_that_changed_after_a_revision_are_sent(page_of, fleet):
    Deployment.objects.update(revision=5)
    Deployment.objects.filter(pk=fleet["night-shift"].pk).update(revision=6)

    assert names(page_of().changed_rows(5)) == ["night-shift"]
    assert names(page_of().changed_rows(6)) == []


def test_the_row_of_an_operation_that_changed_is_sent_too(ana, page_of, fleet):
    pause = operation_of(ana.ask(fleet["pallet-counter"], "pause"))
    Deployment.objects.update(revision=5)
    Operation.objects.filter(pk=pause.pk).update(revision=6)

    assert names(page_of().changed_rows(5)) == ["pallet-counter"]
    assert names(page_of().changed_rows(6)) == []


def test_a_create_without_an_id_sends_the_rows_of_its_name(ana, page_of, fleet):
    create = operation_of(ana.create("fresh-one"))
    Deployment.objects.update(revision=5)
    at = now()
    Deployment.objects.create(
        workspace=create.workspace,
        deployment_id="new-id",
        deployment_name="fresh-one",
        revision=5,
        first_seen_at=at,
        reported_at=at,
        status_since=at,
    )
    Operation.objects.filter(pk=create.pk).update(revision=6, sent_at=create.requested_at)

    assert names(page_of().changed_rows(5)) == ["fresh-one"]


def test_how_long_a_start_usually_takes_is_told_in_the_row_that_starts(page_of, fleet):
    row, other = fleet["pallet-counter"], fleet["line-3-inspect"]
    Deployment.objects.filter(pk=row.pk).update(status="pending", machine_type=other.machine_type)
    for minutes, before, after in ((9, "paused", "pending"), (5, "pending", "ready")):
        StatusChange.objects.create(
            deployment=other, before=before, after=after, observed_at=now() - timedelta(minutes=minutes)
        )

    cells = {one.name: f"{one.cell.before} {one.cell.after}" for one in page_of().rows}

    assert "usually 4 min" in cells["pallet-counter"]
    assert "usually" not in cells["line-3-inspect"]
