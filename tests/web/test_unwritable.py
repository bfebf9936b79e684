"""A database that takes no writes - its disk is full, it is read-only - is called that, and not a person who is too fast."""

import pytest
from django.core.cache import cache
from django.db import DatabaseError, connection

from tests.people import Person

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def unwritable(ana: Person, fleet):
    words = {
        "sqlite": ("PRAGMA query_only = 1", "PRAGMA query_only = 0"),
        "postgresql": tuple(f"SET default_transaction_read_only = {to}" for to in ("on", "off")),
    }
    refuse, allow = words[connection.vendor]
    with connection.cursor() as cursor:
        cursor.execute(refuse)
        yield ana
        cursor.execute(allow)


def test_a_counter_that_cannot_be_written_is_an_error_and_no_answer(unwritable):
    with pytest.raises(DatabaseError):
        cache.add("fresh", 1)
    with pytest.raises(DatabaseError):
        cache.set("fresh", 1)


def test_what_somebody_else_holds_is_an_answer(db):
    assert cache.add("lock", 1) and not cache.add("lock", 2)
    assert cache.get("lock") == 1


def test_a_click_is_told_that_the_database_is_away(unwritable, fleet):
    unwritable.client.raise_request_exception = False

    answer = unwritable.ask(fleet["pallet-counter"], "pause")

    assert answer.status_code == 503 and "The database is not available" in answer.content.decode()
    assert answer.headers["Retry-After"] == "5"


def test_a_sign_in_is_told_that_the_database_is_away(unwritable, client):
    client.raise_request_exception = False

    answer = client.post("/accounts/login/", {"login": "ana@example.com", "password": "not hers"})

    assert answer.status_code == 503 and "The database is not available" in answer.content.decode()
