"""Invitations, roles, removal."""

import re

import pytest
from django.test import Client

from deployments.keys.models import ApiKey
from deployments.team.models import Invitation
from deployments.workspaces.models import Membership
from tests.people import add_key

TEAM = "/w/acme-vision/team/"


def invite(person, email="new@example.com", role="viewer"):
    page = person.post(TEAM, {"email": email, "role": role}).content.decode()
    return re.search(r"/invite/[\w-]+/", page)[0]


def test_somebody_new_comes_in_by_the_link_once(ana, workspace, trail):
    link, client = invite(ana), Client()
    form = client.get(link).content.decode()

    answer = client.post(link, {"name": "New", "password": "a long enough one"})

    assert "new@example.com" in form and answer.status_code == 303
    assert client.get("/w/acme-vision/").status_code == 200
    assert "does not work" in Client().get(link).content.decode()
    assert {"invitation.sent", "invitation.accepted", "member.joined"} <= set(
        trail.actions(workspace_id=workspace.pk)
    )


def test_the_token_is_kept_as_a_hash_only(ana):
    link = invite(ana)

    assert link.split("/")[2] not in str(Invitation.objects.values().get())


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

    assert answer.status_code == 422 and not Invitation.objects.exists()


def test_a_withdrawn_invitation_is_worthless(ana):
    link = invite(ana)
    ana.post(f"{TEAM}invitations/{Invitation.objects.get().pk}/withdraw/")

    assert "does not work" in Client().get(link).content.decode()


def test_roles_change_and_the_last_manager_stays(ana, ben, trail):
    ana_row, ben_row = Membership.objects.get(user=ana.user), Membership.objects.get(user=ben.user)

    ana.post(f"{TEAM}{ana_row.pk}/role/", {"role": "viewer"})
    ana.post(f"{TEAM}{ben_row.pk}/role/", {"role": "manager"})
    ana.post(f"{TEAM}{ana_row.pk}/role/", {"role": "viewer"})

    assert [Membership.objects.get(user=one.user).role for one in (ana, ben)] == ["viewer", "manager"]
    assert trail.actions(action="member.role_changed") == ["member.role_changed"] * 2


def test_a_removed_member_is_out_their_key_is_gone_and_a_key_does_not_bring_them_back(ana, ben, trail):
    ana.post(f"{TEAM}{Membership.objects.get(user=ben.user).pk}/remove/")

    again = ben.post("/keys/", {"api_key": "sandbox-key-ben"})

    assert ben.get("/w/acme-vision/").status_code == 404
    assert not ApiKey.objects.filter(user=ben.user).exists()
    assert again.status_code == 422 and "You were removed" in again.content.decode()
    assert "member.removed" in trail.actions()


def test_a_key_does_not_change_a_standing_role(vera):
    add_key(vera, "sandbox-key-ben")

    assert Membership.objects.get(user=vera.user).role == "viewer"


def test_a_removed_member_does_not_come_back_by_an_old_invitation(ana, ben, workspace):
    link = invite(ana, email="later@example.com")
    Invitation.objects.update(
        email="ben@example.com"
    )  # as if he had been invited before he joined by his key
    ana.post(f"{TEAM}{Membership.objects.get(user=ben.user).pk}/remove/")

    ben.post(link)

    assert ben.get("/w/acme-vision/").status_code == 404


def test_what_a_manager_promised_goes_with_the_role(ana, ben, trail):
    ana.post(f"{TEAM}{Membership.objects.get(user=ben.user).pk}/role/", {"role": "manager"})
    link = invite(ben, email="friend@example.com", role="manager")

    ana.post(f"{TEAM}{Membership.objects.get(user=ben.user).pk}/role/", {"role": "viewer"})

    assert "does not work" in Client().get(link).content.decode()
    assert trail.actions(action="invitation.withdrawn") == ["invitation.withdrawn"]


def test_a_name_from_roboflow_makes_no_header_and_loses_no_invitation(ana, workspace, settings, mailoutbox):
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    type(workspace).objects.filter(pk=workspace.pk).update(name="Acme\nBcc: x@example.com")

    page = ana.post(TEAM, {"email": "new@example.com", "role": "viewer"})

    assert page.status_code == 200 and "/invite/" in page.content.decode()
    assert not mailoutbox
