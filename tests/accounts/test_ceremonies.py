"""A passkey verifies the person, and answers one page's question only."""

import json
import re
from datetime import timedelta
from html import unescape

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from django.test import Client
from django.utils.timezone import now

from portal.accounts.ceremonies import LOGIN_SESSION_KEY
from tests.accounts.signing_in import FACTOR, confirm, is_in, sign_in
from tests.accounts.soft_passkey import SoftPasskey
from tests.totp import code_of

ADD, LOGIN = f"{FACTOR}webauthn/add/", f"{FACTOR}webauthn/login/"
SECOND_STEP, CONFIRM = f"{FACTOR}authenticate/", f"{FACTOR}webauthn/reauthenticate/"
PASSWORD_PAGE = "/accounts/password/change/"
pytestmark = pytest.mark.django_db


def options_of(client, path):
    """Open a page and return what it hands to the browser for the passkey."""
    answer = client.get(path, headers={"Accept": "application/json" if path == LOGIN else "text/html"})
    if path == LOGIN:
        return answer.json()["request_options"]
    return json.loads(unescape(re.search(r'data-options="([^"]*)"', answer.content.decode())[1]))


def answer_with(client, path, credential):
    return client.post(path, {"credential": credential, "name": "Passkey 1"})


def add_passkey(person, passkey):
    confirm(person, ADD)
    return answer_with(person.client, ADD, passkey.register(options_of(person.client, ADD)))


@pytest.fixture
def passkey(ana):
    """Return the passkey that Ana added."""
    passkey = SoftPasskey()
    assert add_passkey(ana, passkey).status_code == 302
    return passkey


# What a passkey is good for (so that the refusals below mean something)


def test_a_passkey_signs_in(passkey):
    client = Client()
    answer_with(client, LOGIN, passkey.sign(options_of(client, LOGIN)))

    assert is_in(client)


def test_a_passkey_is_a_second_step(passkey):
    client, _ = sign_in()
    answer_with(client, SECOND_STEP, passkey.sign(options_of(client, SECOND_STEP)))

    assert is_in(client)


def test_a_passkey_confirms_the_person(passkey, ana):
    with time_machine.travel(now() + timedelta(hours=1)):
        assert "reauthenticate" in ana.get(ADD).headers["Location"]
        answer_with(ana.client, CONFIRM, passkey.sign(options_of(ana.client, CONFIRM)))

        assert ana.get(ADD).status_code == 200


# Verified


def test_a_passkey_that_verifies_nobody_is_not_added(ana):
    add_passkey(ana, SoftPasskey(verifies=False))

    assert not Authenticator.objects.filter(type="webauthn").exists()


@pytest.mark.parametrize("path", [LOGIN, SECOND_STEP])
def test_without_verifying_the_person_a_passkey_signs_nobody_in(path, passkey):
    client = Client() if path == LOGIN else sign_in()[0]
    passkey.flags = SoftPasskey(verifies=False).flags
    answer_with(client, path, passkey.sign(options_of(client, path)))

    assert not is_in(client)


# One page, one person, a short time


def test_an_answer_for_a_sign_in_is_no_second_step(passkey):
    client = Client()
    credential = passkey.sign(options_of(client, LOGIN))
    sign_in(client=client)
    answer_with(client, SECOND_STEP, credential)

    assert not is_in(client)


def test_an_answer_for_a_second_step_is_no_sign_in(passkey):
    client, _ = sign_in()
    answer_with(client, LOGIN, passkey.sign(options_of(client, SECOND_STEP)))

    assert not is_in(client)


def test_the_challenge_of_a_half_sign_in_does_not_serve_the_next_one(passkey):
    client, _ = sign_in()
    credential = passkey.sign(options_of(client, SECOND_STEP))
    session = client.session
    del session[LOGIN_SESSION_KEY]  # as when its time is over
    session.save()
    sign_in(client=client)
    answer_with(client, SECOND_STEP, credential)

    assert not is_in(client)


def test_the_challenge_of_a_half_sign_in_does_not_confirm_the_person_who_signed_in(passkey, app):
    with time_machine.travel(now() + timedelta(minutes=2)) as clock:  # the code of now was used
        client, _ = sign_in()
        credential = passkey.sign(options_of(client, SECOND_STEP))
        client.post(SECOND_STEP, {"code": code_of(app)})
        clock.shift(timedelta(minutes=9))
        answer_with(client, CONFIRM, credential)

        assert is_in(client)
        assert "reauthenticate" in client.get(ADD).headers["Location"]


def test_a_challenge_that_adds_a_passkey_confirms_nobody(passkey, ana):
    with time_machine.travel(now() + timedelta(minutes=1)) as clock:
        options = options_of(ana.client, ADD)
        clock.shift(timedelta(minutes=9))
        answer_with(
            ana.client,
            CONFIRM,
            passkey.sign(
                options | {"publicKey": options["publicKey"] | {"rpId": options["publicKey"]["rp"]["id"]}}
            ),
        )

        assert "reauthenticate" in ana.get(ADD).headers["Location"]


@pytest.mark.parametrize(("minutes", "is_accepted"), [(9, True), (11, False)])
def test_a_challenge_of_a_sign_in_lives_ten_minutes(minutes, is_accepted, passkey):
    client = Client()
    with time_machine.travel(now()) as clock:
        credential = passkey.sign(options_of(client, LOGIN))
        clock.shift(timedelta(minutes=minutes))
        answer_with(client, LOGIN, credential)

        assert is_in(client) == is_accepted


def test_an_answer_counts_once(passkey):
    client = Client()
    credential = passkey.sign(options_of(client, LOGIN))
    answer_with(client, LOGIN, credential)
    client.post("/accounts/logout/")
    answer_with(client, LOGIN, credential)

    assert not is_in(client)
