"""The history of a deployment: own operations, changes from outside and statuses in one list by day."""

from datetime import timedelta

import pytest

from deployments.fleet.history import LISTED_ENTRIES, HistoryEntry, first_page, history_of
from deployments.fleet.models import StatusChange
from deployments.ledger.models import Operation
from deployments.ledger.results import operation_sentence
from deployments.ledger.states import State
from portal.clock import now


def entries_of(row, **more):
    return [entry for _, entries in history_of(row, before=None, now=now(), **more).days for entry in entries]


def test_an_operation_tells_who_why_and_leads_to_its_page(ana, fleet, worker):
    row = fleet["pallet-counter"]
    ana.ask(row, "pause", reason="night shift")
    worker.drain()
    worker.sync()

    told = [(one.who, one.text, one.reason) for one in entries_of(row)]

    assert told == [
        ("", "Paused", ""),
        ("Ana", "paused it", "night shift"),
        ("", "Ready, when first seen", ""),
    ]
    (own,) = [one for one in entries_of(row) if one.who]
    assert own.email == "ana@example.com" and ana.get(own.url).status_code == 200 and not own.is_marked


def test_a_change_from_outside_is_told_once_with_its_hint(fleet, sandbox, worker, ana):
    sandbox.change("line-3-inspect", status="paused")
    worker.sync()

    told = [(one.who, one.text, one.status) for one in entries_of(fleet["line-3-inspect"])]

    assert told[0] == ("Outside the portal", "it was paused", "paused")
    assert len(told) == 2  # and its first status: the step to paused is not told a second time


@pytest.mark.parametrize(
    ("state", "text"),
    [
        (State.QUEUED, "asked to pause it"),
        (State.SUCCEEDED, "paused it"),
        (State.FAILED, "asked to pause it, and that failed"),
        (State.CANCELLED, "asked to pause it, and cancelled that"),
        (State.UNKNOWN, "asked to pause it, and it is not known yet whether that was done"),
        (State.NEEDS_ATTENTION, "asked to pause it, and nobody knows whether that was done"),
    ],
)
def test_a_sentence_says_what_became_of_an_operation(state, text):
    assert operation_sentence(Operation(kind="pause", state=state)) == text


def test_all_pages_together_have_every_entry_once(fleet):
    row, moment = fleet["pallet-counter"], now()
    row.timeline.all().delete()
    ages = [number // 3 for number in range(170)]  # three at each second
    StatusChange.objects.bulk_create(
        StatusChange(
            deployment=row,
            before="ready",
            after=f"state-{number}",
            observed_at=moment - timedelta(seconds=age),
        )
        for number, age in enumerate(ages)
    )

    seen, before = [], None
    while True:
        page = history_of(row, before=before, now=moment)
        seen += [entry.text for _, entries in page.days for entry in entries]
        if not page.older:
            break
        before = page.older

    assert len(seen) == 170 == len(set(seen))


def test_a_page_ends_between_two_times():
    base, count = now(), LISTED_ENTRIES + 9
    entries = [HistoryEntry(base - timedelta(seconds=(number + 1) // 2), "x") for number in range(count)]

    page, older = first_page(entries)

    assert len(page) == LISTED_ENTRIES - 1 and older == page[-1].at.isoformat()
    assert first_page(entries[:3]) == (entries[:3], "")


def test_an_operation_that_failed_is_marked(ana, fleet, sandbox, worker):
    row = fleet["pallet-counter"]
    sandbox.fault("/pause", "status", 1, status=400, text="no capacity")
    ana.ask(row, "pause")
    worker.drain()

    (own,) = [one for one in entries_of(row) if one.who]

    assert own.is_marked and own.text == "asked to pause it, and that failed"


def test_the_page_groups_by_day_in_the_zone_of_the_page(ana, fleet):
    page = ana.get(f"/w/acme-vision/deployments/{fleet['pallet-counter'].deployment_id}/")

    assert [day for day, _ in page.context["history"].days] == ["Today"]
