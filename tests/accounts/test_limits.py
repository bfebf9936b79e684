"""Limits of guesses: strangers get few, and keep nobody from signing in or from confirming a change."""

from datetime import timedelta

import pytest
import time_machine
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.utils.timezone import now

from portal.accounts.devices import MOST_PEOPLE, NAME
from portal.health.tidy import delete_expired_rows
from tests.accounts.signing_in import FACTOR, PASSWORD, confirm, is_in, sign_in
from tests.people import make_person

LOGIN = "/accounts/login/"
LOCKED = 5  # wrong passwords for one address


@pytest.fixture
def address(settings):
    """Return a function that gives each request another client address: a stranger has many."""
    counter = iter(range(1, 100_000))

    def next_address():
        number = next(counter)
        return f"10.{number // 65536}.{number // 256 % 256}.{number % 256}"

    return next_address


def guess(client, address, email="ana@example.com", password="wrong"):
    return client.post(LOGIN, {"login": email, "password": password}, REMOTE_ADDR=address())


def lock(address, email="ana@example.com"):
    for _ in range(LOCKED):
        guess(Client(), address, email)


def known_browser():
    """Return a browser in which Ana signed in and out."""
    client, _ = sign_in()
    client.post("/accounts/logout/")
    return client


def test_an_address_is_locked_after_some_wrong_passwords(ana, address):
    lock(address)
    client = Client()
    guess(client, address, **PASSWORD)

    assert not is_in(client)


def test_the_counters_of_others_free_nobody(ana, address):
    lock(address)
    for number in range(400):
        guess(Client(), address, email=f"nobody{number}@example.com")
    client = Client()
    guess(client, address, **PASSWORD)

    assert not is_in(client)


def test_counters_are_deleted_when_their_time_is_over_and_not_before(db):
    cache.set("short", 1, timeout=60)
    cache.set("long", 1, timeout=3600)

    with time_machine.travel(now() + timedelta(minutes=2)):
        delete_expired_rows(now=now())

    with connection.cursor() as cursor:
        cursor.execute("SELECT cache_key FROM portal_cache")
        assert [key.split(":")[-1] for (key,) in cursor.fetchall()] == ["long"]


def test_a_stranger_does_not_lock_a_person_out_of_their_own_browser(ana, address):
    client = known_browser()
    lock(address)

    client.post(LOGIN, {"login": "ana@example.com", **PASSWORD})

    assert is_in(client)


def test_a_known_browser_has_a_limit_too(ana, address):
    client = known_browser()
    for _ in range(LOCKED):
        guess(client, address)

    client.post(LOGIN, {"login": "ana@example.com", **PASSWORD})

    assert not is_in(client)


def test_a_browser_that_somebody_else_knows_has_no_limit_of_its_own_for_an_address(ana, ben, address):
    client, _ = sign_in("ben@example.com")
    client.post("/accounts/logout/")
    lock(address)

    client.post(LOGIN, {"login": "ana@example.com", **PASSWORD})

    assert not is_in(client)


@pytest.mark.parametrize("forged", ["", "x", "eyJhIjoiYiJ9:x:y", "\x00"])
def test_a_made_up_cookie_counts_for_nothing(forged, ana, address):
    client = Client()
    client.cookies[NAME] = forged
    lock(address)

    client.post(LOGIN, {"login": "ana@example.com", **PASSWORD})

    assert not is_in(client)


def test_the_cookie_signs_nobody_in_and_names_nobody(ana):
    _, answer = sign_in()
    cookie = answer.cookies[NAME]
    other = Client()
    other.cookies[NAME] = cookie.value

    assert not is_in(other)
    assert "ana" not in cookie.value.lower() and cookie["httponly"] and cookie["samesite"] == "Lax"


def test_a_shared_browser_knows_the_last_few_people(db, ana, address):
    client = Client()
    for number in range(MOST_PEOPLE):
        make_person(f"Person{number}")
        sign_in(f"person{number}@example.com", client=client)
        client.post("/accounts/logout/")
    lock(address, "person0@example.com")
    sign_in("person0@example.com", client=client)
    assert is_in(client)
    client.post("/accounts/logout/")
    make_person("Late")
    sign_in("late@example.com", client=client)
    client.post("/accounts/logout/")
    lock(address, "person1@example.com")

    sign_in("person1@example.com", client=client)

    assert not is_in(client)


def test_a_stranger_does_not_keep_a_signed_in_person_from_confirming(ana, address):
    lock(address)

    assert confirm(ana, f"{FACTOR}totp/activate/").status_code == 200


def test_wrong_passwords_in_a_session_are_limited(ana):
    path = ana.get(f"{FACTOR}totp/activate/").headers["Location"]
    for number in range(LOCKED):
        ana.post(path, {"password": f"wrong {number}"})

    ana.post(path, PASSWORD)

    assert ana.get(f"{FACTOR}totp/activate/").status_code == 302


def test_the_right_password_sets_the_limit_back(ana):
    path = ana.get(f"{FACTOR}totp/activate/").headers["Location"]
    for number in range(LOCKED - 1):
        ana.post(path, {"password": f"wrong {number}"})

    ana.post(path, PASSWORD)

    assert ana.get(f"{FACTOR}totp/activate/").status_code == 200
