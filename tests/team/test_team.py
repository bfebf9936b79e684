"""Managers invite people, change their roles and remove them; nobody comes back by an old link or a key."""

from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.utils.timezone import now

from deployments.keys.models import ApiKey
from deployments.team.invite import hash_token
from deployments.team.models import Invitation
from deployments.workspaces.models import Membership
from tests.people import add_key, link_of_invitation, signed_in_again

FLEET = "/w/acme-vision/"
TEAM = f"{FLEET}team/"


def invite(person, email="new@example.com", role="viewer"):
    """Invite somebody and return the link."""
    return link_of_invitation(person.post(TEAM, {"email": email, "role": role}))


def test_somebody_new_comes_in_by_the_link_once(ana, workspace, trail):
    link, client = invite(ana), Client()
    form = client.get(link).content.decode()

    answer = client.post(link, {"name": "New", "password": "a long enough one"})

    assert "new@example.com" in form
    assert answer.status_code == 303
    assert client.get(FLEET).status_code == 200
    assert "does not work" in Client().get(link).content.decode()
    actions = trail.actions(workspace_id=workspace.pk)
    assert {"invitation.sent", "invitation.accepted", "member.joined"} <= set(actions)


def test_only_the_hash_of_a_token_is_stored(ana):
    link = invite(ana)

    stored = Invitation.objects.values().get()
    token = link.split("/")[2]
    assert stored["token_hash"] == hash_token(token)
    assert token not in str(stored)


def role_of(person):
    """Return the role of a current member."""
    return Membership.objects.get(user=person.user, removed_at=None).role


def give_role(manager, *, to, role):
    """Submit the form that changes the role of a member."""
    manager.post(f"{TEAM}{Membership.objects.get(user=to.user).pk}/role/", {"role": role})


def remove(manager, person):
    """Submit the form that removes a member."""
    manager.post(f"{TEAM}{Membership.objects.get(user=person.user).pk}/remove/")


@pytest.mark.parametrize(
    "body",
    [
        {"email": "none", "role": "viewer"},
        {"email": "a@example.com", "role": "king"},
        {"email": "", "role": ""},
        {"email": "ana@example.com", "role": "viewer"},
    ],
)
def test_bad_invitations_are_refused_beside_the_field(body, ana):
    answer = ana.post(TEAM, body)

    assert answer.status_code == 422
    assert "error" in answer.content.decode()
    assert not Invitation.objects.exists()


def test_a_second_invitation_of_the_same_address_withdraws_the_first(ana):
    first, second = invite(ana), invite(ana)

    assert "does not work" in Client().get(first).content.decode()
    assert "does not work" not in Client().get(second).content.decode()


def test_an_invitation_works_for_seven_days(ana):
    link = invite(ana)
    with time_machine.travel(now() + timedelta(days=6, hours=23)):
        assert "does not work" not in Client().get(link).content.decode()

    with time_machine.travel(now() + timedelta(days=7, minutes=1)):
        assert "does not work" in Client().get(link).content.decode()


def test_nobody_accepts_an_invitation_to_another_address(ana, mallory):
    link = invite(ana)

    page = mallory.post(link).content.decode()

    assert "This invitation is for new@example.com" in page
    assert mallory.get(FLEET).status_code == 404


def test_somebody_with_an_account_accepts_as_themselves(ana, mallory):
    link = invite(ana, email="mallory@example.com", role="operator")

    mallory.post(link)

    assert Membership.objects.get(user=mallory.user).role == "operator"
    assert mallory.get(FLEET).status_code == 200


def test_a_withdrawn_invitation_does_not_work(ana):
    link = invite(ana)
    ana.post(f"{TEAM}invitations/{Invitation.objects.get().pk}/withdraw/")

    assert "does not work" in Client().get(link).content.decode()


def test_roles_change_and_the_last_manager_stays(ana, ben, trail):
    give_role(ana, to=ana, role="viewer")
    assert role_of(ana) == "manager"

    give_role(ana, to=ben, role="manager")
    give_role(ana, to=ana, role="viewer")

    assert (role_of(ana), role_of(ben)) == ("viewer", "manager")
    assert trail.actions(action="member.role_changed") == ["member.role_changed"] * 2


def test_a_removed_member_is_out_their_key_is_gone_and_a_key_does_not_bring_them_back(ana, ben, trail):
    remove(ana, ben)
    is_out = ben.get("/keys/").status_code == 302
    ben = signed_in_again(ben)

    again = ben.post("/keys/", {"api_key": "sandbox-key-ben"})

    assert is_out and ben.get(FLEET).status_code == 404
    assert not ApiKey.objects.filter(user=ben.user).exists()
    assert again.status_code == 422
    assert "You were removed" in again.content.decode()
    assert "member.removed" in trail.actions()


def test_the_last_manager_is_not_removed(ana, ben):
    remove(ana, ana)

    assert role_of(ana) == "manager"
    assert ana.get(FLEET).status_code == 200


def test_the_page_of_a_removal_says_how_many_operations_are_under_way(ana, ben, fleet):
    ben.ask(fleet["pallet-counter"], "pause")

    page = ana.get(f"{TEAM}{Membership.objects.get(user=ben.user).pk}/remove/").content.decode()

    assert "1 operation of theirs is under way" in page


def test_a_key_does_not_change_the_role_of_a_member(vera):
    add_key(vera, "sandbox-key-ben")

    assert role_of(vera) == "viewer"


def test_a_removed_member_does_not_come_back_by_an_old_invitation(ana, ben, workspace):
    link = invite(ana, email="later@example.com")
    Invitation.objects.update(email="ben@example.com")  # as if he was invited before he joined by his key
    remove(ana, ben)
    ben = signed_in_again(ben)

    ben.post(link)

    assert ben.get(FLEET).status_code == 404


def test_what_a_manager_promised_goes_with_the_role(ana, ben, trail):
    give_role(ana, to=ben, role="manager")
    link = invite(ben, email="friend@example.com", role="manager")

    give_role(ana, to=ben, role="viewer")

    assert "does not work" in Client().get(link).content.decode()
    assert trail.actions(action="invitation.withdrawn") == ["invitation.withdrawn"]


def test_a_workspace_name_with_a_line_break_makes_no_mail_header_and_loses_no_invitation(
    ana, workspace, settings, mailoutbox
):
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    type(workspace).objects.filter(pk=workspace.pk).update(name="Acme\nBcc: x@example.com")

    page = ana.post(TEAM, {"email": "new@example.com", "role": "viewer"})

    assert page.status_code == 200
    assert "/invite/" in page.content.decode()
    assert not mailoutbox
