"""When the database cannot be written, pages say so: they do not tell a person that they are too fast."""

import pytest
from django.core.cache import cache
from django.db import DatabaseError, connection

from tests.people import Person

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def unwritable(ana: Person, fleet):
    statements = {
        "sqlite": ("PRAGMA query_only = 1", "PRAGMA query_only = 0"),
        "postgresql": tuple(f"SET default_transaction_read_only = {to}" for to in ("on", "off")),
    }
    refuse, allow = statements[connection.vendor]
    with connection.cursor() as cursor:
        cursor.execute(refuse)
        yield ana
        cursor.execute(allow)


def test_a_counter_that_cannot_be_written_is_an_error(unwritable):
    with pytest.raises(DatabaseError):
        cache.add("fresh", 1)
    with pytest.raises(DatabaseError):
        cache.set("fresh", 1)


def test_a_lock_that_another_process_holds_is_no_error(db):
    assert cache.add("lock", 1) and not cache.add("lock", 2)
    assert cache.get("lock") == 1


def test_a_click_gets_a_page_about_the_database(unwritable, fleet):
    unwritable.client.raise_request_exception = False

    answer = unwritable.ask(fleet["pallet-counter"], "pause")

    assert answer.status_code == 503 and "The database is not available" in answer.content.decode()
    assert answer.headers["Retry-After"] == "5"


def test_a_sign_in_gets_a_page_about_the_database(unwritable, client):
    client.raise_request_exception = False

    answer = client.post("/accounts/login/", {"login": "ana@example.com", "password": "not hers"})

    assert answer.status_code == 503 and "The database is not available" in answer.content.decode()
