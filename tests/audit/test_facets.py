"""The facets of the trail: the values that occur in the newest entries, with counts."""

import pytest
from django.contrib.auth import get_user_model

from portal.audit import facets
from portal.audit.append import Subject
from portal.audit.facets import SHOWN_OBJECTS, facets_of
from portal.audit.models import Event
from portal.audit.origin import Origin
from tests.audit.trail import append

ACTIONS = (("key", "Keys"), ("signin", "Sign-ins"), ("member", "Members"))


@pytest.fixture
def people(db):
    users = [get_user_model().objects.create_user(f"{name}@example.com") for name in ("zoe", "aaron")]
    for user in users:
        user.name = user.email.split("@")[0].capitalize()
        user.save()
    return [Origin(actor_id=user.pk, actor_name=user.name) for user in users]


def values(name):
    found = [facet for facet in facets_of(Event.objects.all(), ACTIONS).all if facet.name == name]
    return [value[1:] for facet in found for value in facet.values]


def test_people_are_listed_by_the_present_names_of_their_accounts(people):
    zoe, aaron = people
    append("signin.succeeded", by=zoe)
    append("signin.succeeded", by=zoe)
    append("signin.succeeded", by=aaron)
    append("signin.succeeded", by=Origin(actor_id=zoe.actor_id, actor_name="Zoe before she married"))
    append("signin.refused", by=Origin(actor_name="nobody"))

    assert values("actor") == [("Aaron", 1), ("Zoe", 3)]


def test_actions_are_gathered_by_their_beginnings_and_those_that_do_not_occur_are_left_out(people):
    append("signin.succeeded", by=people[0])
    append("signin.refused", by=people[0])
    append("key.added", by=people[0])

    assert values("action") == [("Keys", 1), ("Sign-ins", 2)]


def test_values_are_listed_with_the_most_frequent_first_and_objects_are_the_first_few(people):
    for number in range(SHOWN_OBJECTS + 3):
        append("key.added", by=people[0], about=Subject(name=f"key {number:02}"))
    append("key.added", by=people[0], about=Subject(name="key 05"))

    assert values("object")[0] == ("key 05", 2) and len(values("object")) == SHOWN_OBJECTS


def test_only_the_newest_entries_are_counted_and_the_page_is_told(people, monkeypatch):
    monkeypatch.setattr(facets, "COUNTED_ENTRIES", 3)
    for _ in range(3):
        append("signin.succeeded", by=people[0])
    assert not facets_of(Event.objects.all(), ACTIONS).is_partial

    append("signin.refused", by=people[1])

    found = facets_of(Event.objects.all(), ACTIONS)
    assert found.is_partial
    assert values("outcome") == [("succeeded", 2), ("refused", 1)]


def test_without_entries_there_are_no_facets(db):
    assert facets_of(Event.objects.all(), ACTIONS).all == []
