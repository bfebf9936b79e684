"""Reading the trail as it is in the database: each entry once, in order, and a stand-in for a broken one."""

from datetime import UTC, datetime

import pytest

from portal.audit import stored
from portal.audit.models import Event
from portal.audit.stored import readable_one_by_one, stand_in, stored_entries
from tests.audit.trail import write_events


@pytest.mark.parametrize("size", [1, 2, 5, 50])
def test_events_come_once_and_in_order_however_many_are_read_at_a_time(size, db):
    write_events(5)
    events = Event.objects.order_by("sequence")

    assert [event.sequence for event in readable_one_by_one(events, size=size)] == [1, 2, 3, 4, 5]


def test_of_some_events_no_others_are_read(db):
    write_events(5)
    some = Event.objects.filter(sequence__gt=1).order_by("sequence")

    assert [event.sequence for event in readable_one_by_one(some, size=2)] == [2, 3, 4, 5]


@pytest.mark.parametrize("chunk", [1, 2, 5, 7])
def test_entries_of_a_range_come_once_however_many_are_read_at_a_time(chunk, db, monkeypatch):
    monkeypatch.setattr(stored, "CHUNK", chunk)
    write_events(6)

    assert [entry["sequence"] for entry in stored_entries(first=2, last=5)] == [2, 3, 4, 5]


def test_what_stands_in_for_a_broken_entry_says_so(db):
    event = stand_in(7)

    assert (event.sequence, event.object_name, event.outcome, event.source) == (
        7,
        "entry 7",
        "failed",
        "system",
    )
    assert event.at == datetime(1970, 1, 1, tzinfo=UTC) and event.actor_email == ""
