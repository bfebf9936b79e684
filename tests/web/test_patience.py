"""How long a request waits for locks: the limit of a click, whatever was written or undone before."""

import pytest
from django.db import connection, transaction

from portal.health.heartbeats import record_heartbeat
from portal.web.patience import CLICK_SECONDS, SMALL_SECONDS, limited_patience, set_lock_wait, write_if_free

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _limit_of_a_web_process(transactional_db):
    """Give the connection the limit that it has in a web process, and afterwards that of the tests again."""
    before = limit_seconds()
    set_lock_wait(CLICK_SECONDS)
    yield
    if connection.vendor == "sqlite":
        set_lock_wait(before)
    else:
        connection.close()


def limit_seconds():
    """Return how long the connection waits for a lock now; PostgreSQL's 0 means: without a limit."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            return cursor.execute("PRAGMA busy_timeout").fetchone()[0] / 1000
        cursor.execute("SELECT setting FROM pg_settings WHERE name = 'lock_timeout'")
        return int(cursor.fetchone()[0]) / 1000


def limit_of_a_write():
    """Write, and return the limit that the write had."""
    record_heartbeat("worker-act", "here")
    return limit_seconds()


def undo_a_write():
    """Write in a transaction that is rolled back."""
    with transaction.atomic():
        record_heartbeat("worker-act", "here")
        transaction.set_rollback(True)


def test_a_small_write_waits_less_and_what_follows_as_long_as_a_click():
    limits = []

    with limited_patience():
        write_if_free(lambda: limits.append(limit_of_a_write()))
        limits.append(limit_of_a_write())

    assert limits == [SMALL_SECONDS, CLICK_SECONDS]


def test_a_rollback_after_a_small_write_does_not_shorten_what_follows():
    with limited_patience():
        write_if_free(limit_of_a_write)
        undo_a_write()

        assert limit_of_a_write() == CLICK_SECONDS


def test_a_rollback_to_a_savepoint_does_not_shorten_what_follows():
    with limited_patience():
        write_if_free(limit_of_a_write)
        with transaction.atomic():
            undo_a_write()

            assert limit_of_a_write() == CLICK_SECONDS


def test_the_next_request_has_the_limit_of_a_click_again():
    with limited_patience():
        write_if_free(limit_of_a_write)

    assert limit_seconds() == CLICK_SECONDS
