"""The database refuses to change or remove what the trail holds."""

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils.timezone import now

from portal.audit.models import Event, SignedHead
from portal.audit.sign import sign_head
from tests.audit.trail import columns_but_sequence, tamper, write_events


def execute(sql):
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE audit_event SET reason = 'x'",
        "DELETE FROM audit_event",
        "UPDATE audit_signedhead SET hash = 'x'",
        "DELETE FROM audit_signedhead",
    ],
)
def test_the_database_refuses_to_change_events(sql, db):
    write_events(2)
    sign_head(now=now())

    with pytest.raises(DatabaseError, match="only grows"):
        execute(sql)

    assert (Event.objects.count(), SignedHead.objects.count()) == (2, 1)
    tamper(sql)  # without the triggers the same statement works


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="only SQLite has INSERT OR REPLACE")
def test_sqlite_refuses_to_replace_an_event(db):
    write_events(2)

    with pytest.raises(DatabaseError, match="only grows"):
        execute("INSERT OR REPLACE INTO audit_event SELECT * FROM audit_event WHERE sequence = 1")


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite has no TRUNCATE")
def test_postgresql_refuses_to_truncate(db):
    write_events(2)

    with pytest.raises(DatabaseError, match="only grows"):
        execute("TRUNCATE audit_event")


def test_no_entry_stands_before_the_first(db):
    write_events(3)
    columns = columns_but_sequence()

    with pytest.raises(DatabaseError, match="the_trail_begins_at_one"):
        execute(
            f"INSERT INTO audit_event (sequence, {columns}) "
            f"SELECT 0, {columns} FROM audit_event WHERE sequence = 1"
        )
