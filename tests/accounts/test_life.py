"""The life of an account: disabled, enabled, signed out everywhere, administrator; by page and command."""

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from deployments.ledger.models import Operation
from portal.accounts.models import User
from portal.accounts.people import CHANGES
from portal.accounts.person_changes import WORDS
from portal.audit.models import Event
from portal.audit.verify import verify_trail
from tests.accounts.signing_in import PASSWORD, is_in
from tests.people import make_person, signed_in_again

PEOPLE = "/people/"


def change(by, person, what):
    return by.post(f"{PEOPLE}{person.user.pk}/{what}/")


def current(person):
    return User.objects.get(pk=person.user.pk)


def can_sign_in(email="ben@example.com"):
    client = Client()
    client.post("/accounts/login/", {"login": email, **PASSWORD})
    return is_in(client)


def test_a_disabled_person_is_out_at_once_and_back_when_enabled(ana, ben):
    change(ana, ben, "disable")
    was_out = not is_in(ben.client) and not can_sign_in()

    change(ana, ben, "enable")

    assert was_out and can_sign_in()
    assert not is_in(ben.client)  # the session from before stays ended


def test_what_a_disabled_person_asked_for_and_is_not_sent_yet_is_not_sent(ana, ben, fleet, worker, sandbox):
    ben.ask(fleet["pallet-counter"], "pause")

    change(ana, ben, "disable")
    worker.drain()

    operation = Operation.objects.get()
    assert operation.state == "failed" and "can no longer sign in" in operation.message
    assert sandbox.journal() == []


def test_managers_see_who_is_disabled(ana, ben):
    change(ana, ben, "disable")

    page = ana.get("/w/acme-vision/team/").content.decode()

    assert "ben@example.com" in page and "disabled" in page


def test_ended_sessions_are_over_in_every_browser(ana, ben):
    other = signed_in_again(ben)
    ben.get("/keys/"), other.get("/keys/")

    change(ana, ben, "end-sessions")

    assert not is_in(ben.client) and not is_in(other.client) and can_sign_in()
    assert Event.objects.get(action="person.sessions_ended").changed == {"sessions": [2, 0]}


def test_a_session_that_never_loaded_a_page_is_ended_too(ana, ben):
    change(ana, ben, "end-sessions")

    assert not is_in(ben.client)


def test_an_administrator_makes_and_unmakes_others(ana, ben):
    change(ana, ben, "make-administrator")
    was = ben.get(PEOPLE).status_code

    change(ana, ben, "unmake-administrator")

    assert was == 200 and ben.get(PEOPLE).status_code == 403
    assert [event.changed for event in Event.objects.filter(action="person.administrator_changed")] == [
        {"administrator": [False, True]},
        {"administrator": [True, False]},
    ]


@pytest.mark.parametrize("what", ["disable", "unmake-administrator"])
def test_the_last_administrator_stays(what, ana, ben):
    change(ana, ben, "make-administrator")
    change(ana, ben, "disable")  # a disabled one does not count

    answer = change(ana, ana, what)

    assert "last administrator" in ana.get(answer.headers["Location"]).content.decode()
    assert current(ana).is_administrator and current(ana).is_active


def test_nobody_becomes_administrator_by_an_address_that_is_not_confirmed(ana):
    kim = make_person("Kim", email_confirmed_at=None)

    change(ana, kim, "make-administrator")

    assert not current(kim).is_administrator


def test_who_disables_themselves_is_led_to_the_sign_in(ana, ben):
    change(ana, ben, "make-administrator")

    assert change(ana, ana, "disable").headers["Location"] == "/accounts/login/"
    assert not is_in(ana.client)


@pytest.mark.parametrize("what", list(CHANGES))
def test_each_change_is_confirmed_on_a_page_that_says_what_follows_and_changes_nothing(what, ana, ben):
    before, events = current(ben), Event.objects.count()

    page = ana.get(f"{PEOPLE}{ben.user.pk}/{what}/").content.decode()

    words = WORDS[what]
    assert f"<h1>{words.question.format(name='Ben')}</h1>" in page and "ben@example.com" in page
    for effect in words.effects:
        assert effect.format(name="Ben") in page
    assert Event.objects.count() == events
    for field in ("is_active", "is_administrator", "session_salt", "email_confirmed_at"):
        assert getattr(current(ben), field) == getattr(before, field)


def test_the_menu_of_a_person_leads_to_the_pages_that_ask(ana, ben):
    page = ana.get(PEOPLE).content.decode()

    for what in ("make-administrator", "end-sessions", "disable"):
        assert f'href="{PEOPLE}{ben.user.pk}/{what}/"' in page
    assert 'method="post" action="/people/' not in page


@pytest.mark.parametrize("what", ["disable", "enable", "confirm", "make-administrator"])
def test_what_is_so_already_leaves_no_event(what, ana, ben):
    if what == "disable":
        change(ana, ben, what)
    if what == "make-administrator":
        change(ana, ben, what)
    before = Event.objects.count()

    change(ana, ben, what)

    assert Event.objects.count() == before


def test_there_is_no_other_change(ana, ben):
    assert change(ana, ben, "delete").status_code == 404
    assert ana.post(f"{PEOPLE}99999/disable/").status_code == 404


def test_people_are_found_by_name_and_address_and_paged(ana, monkeypatch):
    monkeypatch.setattr("portal.accounts.people_views.PAGE_SIZE", 2)
    for name in ("Bea", "Cleo", "Dora"):
        make_person(name)

    first = ana.get(PEOPLE).content.decode()
    second = ana.get(PEOPLE + first.split('class="button" href="')[-1].split('"')[0].replace("&amp;", "&"))
    found = ana.get(f"{PEOPLE}?q=cleo@").content.decode()

    assert "Bea" in first and "Dora" not in first and "Dora" in second.content.decode()
    assert "Cleo" in found and "Bea" not in found


def test_the_last_removal_from_a_workspace_ends_the_sessions(ana, ben):
    member = ben.user.memberships.get()

    ana.post(f"/w/acme-vision/team/{member.pk}/remove/")

    assert not is_in(ben.client)


def test_a_removal_from_one_of_two_workspaces_leaves_the_sessions(ana, ben, sandbox):
    ben.post("/keys/", {"api_key": "sandbox-key-cam"})
    member = ben.user.memberships.get(workspace__slug="acme-vision")

    ana.post(f"/w/acme-vision/team/{member.pk}/remove/")

    assert is_in(ben.client) and ben.get("/w/acme-vision/").status_code == 404


# On the machine


def run(capsys, *words):
    call_command("person", *words)
    return capsys.readouterr().out


def test_the_command_lists_people_and_what_is_special(ana, capsys):
    make_person("Kim", email_confirmed_at=None, is_active=False)

    listed = run(capsys, "list").splitlines()

    assert listed == [
        "ana@example.com  Ana  (administrator)",
        "kim@example.com  Kim  (disabled, address not confirmed)",
    ]


def test_the_command_changes_what_the_page_changes(ana, ben, capsys):
    run(capsys, "disable", "BEN@example.com")
    disabled = current(ben).is_active is False
    run(capsys, "enable", "ben@example.com")
    run(capsys, "make-administrator", "ben@example.com")
    run(capsys, "end-sessions", "ben@example.com")
    out = run(capsys, "unmake-administrator", "ana@example.com")

    assert disabled and current(ben).is_administrator and "Done: ana@example.com" in out
    assert {event.source for event in Event.objects.filter(action__startswith="person.")} == {"system"}
    assert verify_trail().ok


def test_the_command_keeps_the_last_administrator_and_knows_no_strangers(ana):
    with pytest.raises(CommandError, match="last administrator"):
        call_command("person", "disable", "ana@example.com")
    with pytest.raises(CommandError, match="no person"):
        call_command("person", "disable", "nobody@example.com")
