"""Nobody passes for somebody else, for the portal or for Roboflow."""

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from portal.accounts.models import User
from portal.audit.models import Event
from tests.people import link_of_invitation, make_person

TAKEN = ["Ana", "ana", "\u0410na", "An\u00e1", "A n a", "Ana\u200b", "\uff21\uff4e\uff41"]
RESERVED = [
    "the portal",
    "The P0rtal",
    "system",
    "Roboflow",
    "R0boflow",
    "\u0405ystem",
    "outside",
    "Portside",
    "You",
]


def rename(person, name):
    return person.post("/profile/", {"name": name, "timezone": ""})


@pytest.mark.parametrize("name", [*TAKEN, *RESERVED, "ana@example.com", "...", ""])
def test_a_profile_takes_no_name_of_another(name, ana, ben):
    answer = rename(ben, name)

    assert answer.status_code == 422 and 'aria-invalid="true"' in answer.content.decode()
    ben.user.refresh_from_db()
    assert ben.user.name == "Ben"


@pytest.mark.parametrize("name", ["\u0410na", "Roboflow"])
def test_somebody_invited_takes_no_name_of_another_and_loses_nothing_typed(name, ana):
    link = link_of_invitation(ana.post("/w/acme-vision/team/", {"email": "x@example.com", "role": "viewer"}))

    answer = Client().post(link, {"name": name, "password": "a long enough one"})

    assert answer.status_code == 422 and name in answer.content.decode()
    assert not User.objects.with_email("x@example.com").exists()


def test_your_own_name_may_be_spelled_otherwise(ana):
    assert rename(ana, "ANA").status_code == 303


def test_the_database_holds_names_apart_whoever_writes(ana):
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.create_user("x@example.com", name="\u0410na")


def test_two_who_take_a_name_at_once_do_not_both_get_it(ana, ben, monkeypatch):
    monkeypatch.setattr("portal.accounts.forms.check_name", lambda *_, **__: None)

    answer = rename(ben, "\u0410na")

    assert answer.status_code == 422 and "just taken" in answer.content.decode()


def test_a_rename_is_an_event_with_before_and_after(ana):
    rename(ana, "Anastasia")

    event = Event.objects.last()
    assert (event.action, event.object_name) == ("profile.changed", "ana@example.com")
    assert event.changed == {"name": ["Ana", "Anastasia"]}


def test_the_address_is_on_the_entry_page_and_one_hover_away_in_the_feed(ana, fleet):
    ana.ask(fleet["pallet-counter"], "pause")
    event = Event.objects.last()

    entry = ana.get(f"/w/acme-vision/activity/{event.sequence}/").content.decode()
    feed = ana.get("/w/acme-vision/activity/").content.decode()
    operations = ana.get("/w/acme-vision/operations/").content.decode()
    detail = ana.get(f"/w/acme-vision/operations/{event.operation_id}/").content.decode()

    assert "ana@example.com" in entry
    assert all('title="ana@example.com"' in page for page in (feed, operations, detail))


def test_people_of_the_same_address_in_other_spellings_are_one(db):
    make_person("Ana")
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.create_user("ANA@EXAMPLE.com", name="Other")
    User.objects.create_user("kim@m\u00fcller.example", name="Kim")
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.create_user("kim@XN--MLLER-KVA.example", name="Other")


@pytest.mark.parametrize(
    "typed", ["kim@m\u00fcller.example", "KIM@M\u00dcLLER.example", "kim@xn--mller-kva.example"]
)
def test_every_spelling_of_an_address_signs_in(typed, db):
    User.objects.create_user("kim@m\u00fcller.example", "a long password", name="Kim")
    client = Client()

    client.post("/accounts/login/", {"login": typed, "password": "a long password"})

    assert client.get("/keys/").status_code == 200
