"""No account serves anybody in another person's name: an address counts only when its owner proved it."""

import re

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client

from deployments.workspaces.models import Membership
from portal.accounts.models import User
from portal.audit.models import Event
from tests.accounts.signing_in import PASSWORD, add_app, is_in
from tests.mails import sent_mails
from tests.people import Person, link_of_invitation

TEAM = "/w/acme-vision/team/"
OWNER, NEW = "ceo@example.com", {"name": "Chief", "password": "a long password"}
CONSOLE = "django.core.mail.backends.console.EmailBackend"


@pytest.fixture
def no_mail(settings):
    """The portal has no mail server: the inviter sees the link."""
    settings.EMAIL_BACKEND = CONSOLE


def invite(person, email=OWNER):
    return person.post(TEAM, {"email": email, "role": "viewer"})


def accept(link):
    client = Client()
    client.post(link, NEW)
    return Person(User.objects.with_email(OWNER).get(), client)


@pytest.fixture
def squatter(ana, no_mail, settings):
    """Return the account that Ana made herself for an address that is not hers."""
    person = accept(link_of_invitation(invite(ana)))
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    return person


def choose_new_password():
    """Choose a password by the link that is mailed to the owner."""
    client = Client()
    client.post("/accounts/password/reset/", {"email": OWNER})
    link = re.search(r"/accounts/password/reset/key/\S+/", sent_mails()[-1].body)[0]
    form = client.get(link, follow=True)
    client.post(form.request["PATH_INFO"], {"password1": "the owners own", "password2": "the owners own"})


def is_confirmed():
    return User.objects.with_email(OWNER).get().email_confirmed_at is not None


def test_a_mailed_link_is_shown_to_nobody_else_and_confirms_the_address(ana):
    page = invite(ana)

    assert "/invite/" not in page.content.decode()
    assert sent_mails()[0].to == [OWNER]
    accept(link_of_invitation(page))
    assert is_confirmed()


def test_a_link_that_the_inviter_saw_confirms_nothing_and_the_pages_say_so(squatter, ana):
    assert not is_confirmed()
    assert squatter.get("/w/acme-vision/").status_code == 200
    for page in (squatter.get("/profile/"), ana.get(TEAM), ana.get("/people/")):
        assert "not confirmed" in page.content.decode()


def test_a_mail_that_was_not_sent_confirms_nothing(ana, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9

    accept(link_of_invitation(invite(ana)))

    assert not is_confirmed()


def test_an_unconfirmed_account_brings_its_holder_into_no_other_workspace_by_a_key(squatter, sandbox):
    answer = squatter.post("/keys/", {"api_key": "sandbox-key-cam"})

    assert answer.status_code == 422 and "confirmed" in answer.content.decode()
    assert Membership.objects.filter(user=squatter.user).count() == 1


def test_an_unconfirmed_account_may_add_a_key_of_the_workspace_that_invited_it(squatter, sandbox):
    assert squatter.post("/keys/", {"api_key": "sandbox-key-ben"}).status_code == 303


def test_an_unconfirmed_account_accepts_no_invitation_of_another_workspace(
    squatter, mallory, sandbox, settings
):
    settings.EMAIL_BACKEND = CONSOLE
    mallory.post("/keys/", {"api_key": "sandbox-key-cam"})
    page = mallory.post("/w/birch-robotics/team/", {"email": OWNER, "role": "viewer"})

    squatter.post(link_of_invitation(page))

    assert squatter.get("/w/birch-robotics/").status_code == 404


def test_a_mailed_invitation_that_the_holder_opens_confirms_the_address(squatter, mallory, sandbox):
    mallory.post("/keys/", {"api_key": "sandbox-key-cam"})
    page = mallory.post("/w/birch-robotics/team/", {"email": OWNER, "role": "viewer"})

    squatter.post(link_of_invitation(page))

    assert is_confirmed() and squatter.get("/w/birch-robotics/").status_code == 200


def test_the_owners_proof_ends_what_was_added_before(squatter, trail):
    add_app(squatter)

    choose_new_password()

    assert is_confirmed()
    assert not Authenticator.objects.exists() and not is_in(squatter.client)
    client = Client()
    client.post("/accounts/login/", {"login": OWNER, "password": "the owners own"})
    assert is_in(client)
    event = Event.objects.get(action="person.confirmed")
    assert event.changed == {"second factors": [1, 0], "sessions": [1, 0]}


def test_the_password_that_was_chosen_before_no_longer_works(squatter):
    choose_new_password()
    client = Client()
    client.post("/accounts/login/", {"login": OWNER, **PASSWORD})

    assert not is_in(client)


def test_a_new_password_of_a_confirmed_person_leaves_their_second_factor(ana):
    add_app(ana)
    client = Client()
    client.post("/accounts/password/reset/", {"email": "ana@example.com"})
    link = re.search(r"/accounts/password/reset/key/\S+/", sent_mails()[-1].body)[0]
    form = client.get(link, follow=True)
    client.post(form.request["PATH_INFO"], {"password1": "another long one", "password2": "another long one"})

    assert Authenticator.objects.filter(user=ana.user).exists()


def test_an_administrator_confirms_an_address(squatter, ana):
    ana.post(f"/people/{squatter.user.pk}/confirm/")

    assert is_confirmed() and is_in(squatter.client)
    assert Event.objects.last().action == "person.confirmed"


def test_who_sets_the_portal_up_is_confirmed(db):
    from portal.accounts.setup import setup_link

    form = {"name": "First", "email": OWNER, "password": "a long enough one"}
    Client().post("/setup/", form | {"token": setup_link().split("token=")[1]})

    assert is_confirmed()


def test_look_alike_domains_are_marked(ana, no_mail):
    page = invite(ana, email="ceo@\u0435xample.com")  # a Cyrillic e
    client = Client()
    client.post(link_of_invitation(page), NEW)

    team = ana.get(TEAM).content.decode()

    assert "look closely" in team and "\u0435xample.com" in team
