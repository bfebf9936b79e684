"""Events are written with their change, one after another, without secrets."""

import pytest
from django.utils.timezone import now

from portal.audit.actions import Action
from portal.audit.append import Entry, Subject, append_event, append_events, without_nul
from portal.audit.chain import GENESIS
from portal.audit.models import Event, Head
from portal.audit.origin import SYSTEM, Origin
from tests.audit.trail import append

SECRET = "see https://x/?api_key=SECRETSECRET&x=1"


def test_an_event_is_written_only_with_its_change(transactional_db):
    with pytest.raises(RuntimeError):
        append_event(Action.SETUP, by=SYSTEM, at=now())

    assert not Event.objects.exists()


def test_events_follow_one_another_and_the_head_is_the_last_one(db):
    entries = [Entry(action=Action.SIGNIN, by=SYSTEM, at=now()) for _ in range(3)]

    events = append_events(entries)

    head = Head.objects.get()
    assert [one.sequence for one in events] == [1, 2, 3]
    assert [one.previous_hash for one in events] == [GENESIS, events[0].hash, events[1].hash]
    assert (head.sequence, head.hash) == (3, events[2].hash)


def test_no_entries_are_no_events(db):
    assert append_events([]) == [] and not Head.objects.exists()


def test_an_event_has_the_facts_of_its_origin_and_subject(db):
    by = Origin(actor_id=7, actor_name="Ana", ip="1.2.3.4", agent="Firefox", request_id="r1")
    about = Subject(type="deployment", id="9", name="cam", deployment_id="d1")

    append("deployment.pause.failed", by=by, about=about, operation_id="o1", changes={"a": (1, 2)})

    event = Event.objects.get()
    assert (event.actor_id, event.actor_name, event.ip, event.agent) == (7, "Ana", "1.2.3.4", "Firefox")
    assert (event.request_id, event.source, event.outcome) == ("r1", "portal", "failed")
    assert (event.object_type, event.object_id, event.object_name) == ("deployment", "9", "cam")
    assert (event.deployment_id, event.operation_id, event.changed) == ("d1", "o1", {"a": [1, 2]})


def test_what_people_type_is_one_line_without_tricks(db):
    append(Action.PROFILE_CHANGED, reason="a\u202eb\nc\x1b[31m", about=Subject(name="x\ny"))

    assert (Event.objects.get().reason, Event.objects.get().object_name) == ("a b c [31m", "x y")


def test_texts_are_cut_to_what_their_columns_take(db):
    long = "x" * 300
    by = Origin(actor_name=long, agent=long, request_id=long)

    append(Action.PROFILE_CHANGED, by=by, about=Subject(id=long, name=long, deployment_id=long))

    event = Event.objects.get()
    assert (len(event.actor_name), len(event.agent), len(event.request_id)) == (254, 200, 64)
    assert (len(event.object_id), len(event.object_name), len(event.deployment_id)) == (255, 254, 255)


def test_keys_are_masked_wherever_they_are(db):
    append(
        Action.PROFILE_CHANGED,
        by=Origin(agent=SECRET),
        reason=SECRET,
        about=Subject(name=SECRET),
        changes={"field": (None, {"nested": [SECRET]})},
    )

    event = Event.objects.get()
    stored = [event.reason, event.agent, event.object_name, event.changes]
    assert all("***" in text and "SECRETSECRET" not in text for text in stored)


def test_values_that_are_not_text_are_kept():
    assert without_nul({"n": 1, "none": None, "list": (True, "a\x00b")}) == {
        "n": 1,
        "none": None,
        "list": [True, "ab"],
    }


def test_an_altered_event_can_still_be_shown():
    assert Event(changes="{broken").changed == {"unreadable": ["", "{broken"]}
