"""Recovery codes: shown once, good once, and stored as hashes only."""

import re

import pytest
from allauth.mfa.models import Authenticator
from django.db import connection

from portal.accounts.recovery_codes import count_recovery_codes, hash_code
from portal.audit.models import Event
from tests.accounts.signing_in import FACTOR, confirm, is_in, sign_in

CODES, SECOND_STEP = f"{FACTOR}recovery-codes/", f"{FACTOR}authenticate/"


def shown_codes(page):
    return re.findall(r"<code>([a-z0-9]{4}(?:-[a-z0-9]{4}){3})</code>", page.content.decode())


@pytest.fixture
def codes(ana, app):
    """Return the recovery codes that Ana made."""
    confirm(ana, CODES)
    return shown_codes(ana.post(CODES))


def step_with(code):
    """Sign in with Ana's password and a code; return whether she is in."""
    client, _ = sign_in()
    client.post(SECOND_STEP, {"code": code})
    return is_in(client)


def test_whoever_adds_a_first_factor_is_led_to_their_codes(ana, app):
    page = ana.get(CODES).content.decode()

    assert "no recovery codes yet" in page and shown_codes(ana.post(CODES))


def test_codes_are_shown_once(ana, codes):
    page = ana.get(CODES)

    assert len(set(codes)) == 10
    assert shown_codes(page) == [] and "10 recovery codes left" in page.content.decode()
    assert "no-store" in page.headers["Cache-Control"]


@pytest.mark.parametrize(
    "typed", [str, str.upper, lambda code: code.replace("-", " "), lambda code: f" {code} "]
)
def test_a_code_signs_in_once_however_it_is_typed(typed, ana, codes):
    assert step_with(typed(codes[3]))
    assert not step_with(codes[3])
    assert step_with(codes[4])
    assert count_recovery_codes(ana.user) == 8


@pytest.mark.parametrize("wrong", ["", "aaaa-aaaa-aaaa-aaaa", "00000000", "-", "ä" * 16])
def test_another_code_signs_nobody_in_and_uses_none_up(wrong, ana, codes):
    assert not step_with(wrong)
    assert count_recovery_codes(ana.user) == 10


def test_a_code_is_its_owners_only(ana, ben, codes, trail):
    assert hash_code(ana.user, codes[0]) != hash_code(ben.user, codes[0])


def test_new_codes_end_the_old_ones(ana, codes):
    newer = shown_codes(ana.post(CODES))

    assert not step_with(codes[0]) and step_with(newer[0])


def test_a_code_confirms_the_person(ana, codes):
    ana.post(f"{FACTOR}reauthenticate/", {"code": codes[0]})

    assert count_recovery_codes(ana.user) == 9


def test_the_database_holds_nothing_that_signs_in(ana, codes):
    with connection.cursor() as cursor:
        cursor.execute("SELECT data FROM mfa_authenticator WHERE type = 'recovery_codes'")
        stored = str(cursor.fetchall())

    assert not [code for code in codes if code in stored or code.replace("-", "") in stored]
    assert "gAAAA" not in stored  # nothing that the vault could open
    assert len(re.findall(r"[0-9a-f]{64}", stored)) == 10


def test_codes_need_a_second_factor_and_end_with_the_last_one(ana, codes):
    confirm(ana, f"{FACTOR}totp/deactivate/")
    ana.post(f"{FACTOR}totp/deactivate/")

    assert not Authenticator.objects.exists()
    assert ana.get(CODES).headers["Location"] == FACTOR
    assert not shown_codes(ana.post(CODES))


def test_the_trail_says_that_codes_were_made_and_used(ana, codes, trail):
    step_with(codes[0])

    assert "second_factor.codes_made" in trail.actions()
    assert Event.objects.last().changed["by"] == [None, "password, recovery code"]
