"""The feed shows the events that a person asks for, and each operation once."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
from django.http import QueryDict
from django.utils import timezone

from portal.audit.append import Subject
from portal.audit.feed import (
    COLUMNS,
    FeedLine,
    export_fields,
    feed_page,
    filter_events,
    lines_by_day,
    with_addresses,
)
from portal.audit.models import Event
from portal.audit.origin import OUTSIDE, Origin
from tests.audit.trail import append

ANA = Origin(actor_id=1, actor_name="Ana")
BEN = Origin(actor_id=2, actor_name="Ben")
DAY = {number: datetime(2026, 1, number, 12, tzinfo=UTC) for number in range(1, 5)}


@pytest.fixture
def events(db):
    """Four events: a pause by Ana that failed, one by Ben, a change outside, a sign-in."""
    cam = Subject(type="deployment", name="cam", deployment_id="d1")
    belt = Subject(type="deployment", name="belt", deployment_id="d2")
    append("deployment.pause.failed", by=ANA, at=DAY[1], about=cam, reason="night shift")
    append("deployment.resume.succeeded", by=BEN, at=DAY[2], about=belt)
    append("deployment.change.outside", by=OUTSIDE, at=DAY[3], about=cam)
    append("signin.succeeded", by=ANA, at=DAY[4])
    return Event.objects.order_by("sequence")


def sequences(events, **query):
    parameters = QueryDict(mutable=True)
    parameters.update(query)
    return [one.sequence for one in filter_events(events, parameters)]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, [1, 2, 3, 4]),
        ({"source": "outside"}, [3]),
        ({"source": "nowhere"}, []),
        ({"outcome": "failed"}, [1]),
        ({"outcome": "observed"}, [3]),
        ({"deployment": "d1"}, [1, 3]),
        ({"object": "belt"}, [2]),
        ({"object": "bel"}, []),
        ({"actor": "1"}, [1, 4]),
        ({"actor": "ana"}, [1, 4]),
        ({"actor": "an"}, []),
        ({"actor": "2"}, [2]),
        ({"actor": "9" * 30}, []),
        ({"action": "deployment.pause"}, [1]),
        ({"action": "deployment"}, [1, 2, 3]),
        ({"action": "pause"}, []),
        ({"q": "NIGHT"}, [1]),
        ({"q": "elt"}, [2]),
        ({"q": "be"}, [2]),
        ({"q": "signin"}, [4]),
        ({"q": "ana"}, [1, 4]),
        ({"q": " \x00night  "}, [1]),
        ({"q": "shiftcam"}, []),
        ({"q": "shift\x1fcam"}, []),
        ({"from": "2026-01-02T12:00"}, [2, 3, 4]),
        ({"from": "2026-01-02T12:00:01"}, [3, 4]),
        ({"to": "2026-01-02T12:00"}, [1, 2]),
        ({"to": "2026-01-02T11:59:59"}, [1]),
        ({"from": "2026-01-02", "to": "2026-01-04"}, [2, 3]),
        ({"from": "yesterday", "to": "tomorrow"}, [1, 2, 3, 4]),
        ({"actor": "1", "deployment": "d1"}, [1]),
        ({"unknown": "x"}, [1, 2, 3, 4]),
    ],
)
def test_a_filter_keeps_what_it_asks_for(query, expected, events):
    assert sequences(events, **query) == expected


def operation(*words, operation_id="o1", by=ANA):
    for word in words:
        append(f"deployment.pause.{word}", by=by, operation_id=operation_id)


def lines_of(events=None, **options):
    lines, following = feed_page(Event.objects.all() if events is None else events, cursor=None, **options)
    return [(one.event.sequence, [other.sequence for other in one.earlier]) for one in lines], following


def test_an_operation_is_one_line_at_its_newest_event_with_the_earlier_ones(db):
    operation("requested")
    append("signin.succeeded")
    operation("unknown", "succeeded")

    assert lines_of() == ([(4, [1, 3]), (2, [])], "")


def test_two_operations_are_two_lines(db):
    operation("requested", operation_id="o1")
    operation("requested", operation_id="o2")
    operation("succeeded", operation_id="o1")

    assert lines_of()[0] == [(3, [1]), (2, [])]


def test_a_refused_request_has_a_line_of_its_own_and_hides_nothing(db):
    operation("requested")
    operation("refused", by=BEN)

    assert lines_of()[0] == [(2, []), (1, [])]


def test_a_refusal_is_not_an_earlier_event_of_the_operation(db):
    operation("requested")
    operation("refused", by=BEN)
    operation("succeeded")

    assert lines_of()[0] == [(3, [1]), (2, [])]


def test_events_without_an_operation_are_not_grouped(db):
    append("signin.succeeded")
    append("signout")

    assert lines_of()[0] == [(2, []), (1, [])]


def test_a_filter_finds_an_operation_by_its_newest_event_only(db):
    operation("requested", "succeeded")

    def with_outcome(outcome):
        return lines_of(Event.objects.filter(outcome=outcome))[0]

    assert with_outcome("succeeded") == [(2, [1])]
    assert with_outcome("requested") == []


def test_the_next_page_continues_after_the_last_line(db):
    operation("requested", "succeeded")
    append("signin.succeeded")
    append("signout")

    first, cursor = feed_page(Event.objects.all(), cursor=None, size=2)
    second, end = feed_page(Event.objects.all(), cursor=cursor, size=2)

    assert [one.event.sequence for one in first] == [4, 3]
    assert [one.event.sequence for one in second] == [2]
    assert [one.sequence for one in second[0].earlier] == [1] and end == ""


def test_a_line_says_what_happened(db):
    append("signin.succeeded", by=ANA)

    assert feed_page(Event.objects.all(), cursor=None)[0][0].sentence == "signed in"


def test_an_export_has_a_value_for_every_column(db):
    workspace = SimpleNamespace(pk=5, slug="acme")
    event = append("signin.succeeded", by=ANA, workspace=workspace, changes={"by": (None, "passkey")})

    fields = export_fields(event)

    assert set(fields) == set(COLUMNS)
    assert (fields["actor"], fields["actor_id"], fields["workspace_name"]) == ("Ana", 1, "acme")
    assert fields["changes"] == {"by": [None, "passkey"]} and fields["hash"] == event.hash


def ask(operation, outcome="succeeded", by=ANA, request="r1", kind="pause"):
    about = Subject(type="deployment", id=operation, name=operation, deployment_id=operation)
    origin = replace(by, request_id=request)
    return append(f"deployment.{kind}.{outcome}", by=origin, about=about, operation_id=operation)


def test_what_one_request_asked_of_several_deployments_is_one_line_with_the_outcomes(db):
    for name in ("a", "b", "c"):
        ask(name, "requested")
    append("signin.succeeded", by=BEN)
    ask("a")
    ask("b", "failed")
    ask("c")

    (batch, signin), _ = feed_page(Event.objects.all(), cursor=None)

    assert signin.event.action == "signin.succeeded" and signin.batch == []
    assert [line.event.operation_id for line in batch.batch] == ["c", "b", "a"]
    assert batch.batch_outcomes == "2 succeeded, 1 failed"
    assert batch.asked_sentence == "asked to pause"


@pytest.mark.parametrize(
    "other",
    [
        {"request": "r2"},
        {"kind": "resume"},
        {"by": BEN},
        {"request": ""},
    ],
)
def test_operations_of_other_requests_kinds_or_people_are_lines_of_their_own(other, db):
    ask("a")
    ask("b", **other)

    lines, _ = feed_page(Event.objects.all(), cursor=None)

    assert [line.batch for line in lines] == [[], []]


def test_lines_stand_under_the_days_of_the_time_zone_of_the_page(db):
    event = append("signin.succeeded", by=ANA)
    late = datetime(2026, 3, 4, 23, 30, tzinfo=UTC)
    lines = [FeedLine(replace_at(event, at)) for at in (late, late - timedelta(hours=1))]

    with timezone.override(ZoneInfo("Europe/Berlin")):
        days = [day for day, _ in lines_by_day(lines, now=late)]

    assert days == ["Today", "Yesterday"]
    assert [day for day, _ in lines_by_day(lines, now=late + timedelta(days=9))] == ["Wednesday 4 March 2026"]


def replace_at(event, at):
    return Event(sequence=event.sequence, at=at)


@pytest.mark.parametrize(("name", "initials"), [("Ana", "A"), ("ana b. carter", "AB"), ("", "")])
def test_a_line_has_the_initials_of_its_actor(name, initials):
    assert FeedLine(Event(actor_name=name)).initials == initials


@pytest.mark.parametrize(
    ("outcome", "is_marked"),
    [
        ("succeeded", False),
        ("requested", False),
        ("observed", False),
        ("failed", True),
        ("refused", True),
        ("unknown", True),
    ],
)
def test_only_what_was_not_done_is_marked(outcome, is_marked):
    assert FeedLine(Event(outcome=outcome)).is_marked is is_marked


def test_an_entry_names_the_address_of_its_person_and_none_of_a_person_who_is_gone(ana):
    by_ana = append("signin.succeeded", by=Origin(actor_id=ana.user.pk, actor_name="Ana"))
    by_nobody = append("signin.succeeded", by=Origin(actor_id=10**6, actor_name="Gone"))

    emails = dict(with_addresses(Event.objects.all()).values_list("sequence", "actor_email"))

    assert (emails[by_ana.sequence], emails[by_nobody.sequence]) == ("ana@example.com", "")
