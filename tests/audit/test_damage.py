"""Whatever somebody does to the database: verification names it, and pages and exports go on."""

import json

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils.timezone import now

from portal.audit import triggers
from portal.audit.chain import facts_hash
from portal.audit.models import Event, Head, SignedHead, TrailKey
from portal.audit.sign import sign_head
from portal.audit.stored import hashed_rows
from portal.audit.verify import verify_trail
from tests.audit.trail import tamper, write_events

only_sqlite = pytest.mark.skipif("connection.vendor != 'sqlite'", reason="PostgreSQL's columns have types")
ODD_VALUES = {  # column to SQL
    "a BLOB as text": "reason = X'DEADBEEF'",
    "a BLOB as name": "actor_name = X'00FF'",
    "a BLOB as hash": "hash = X'00'",
    "a BLOB as time": "at = X'00'",
    "text that is no UTF-8": "reason = CAST(X'FFFE41' AS TEXT)",
    "a name that is no UTF-8": "actor_name = CAST(X'FF' AS TEXT)",
    "a time that is none": "at = 'yesterday'",
    "a time that cannot be": "at = '2026-02-30 10:00:00'",
    "a time that is a number": "at = 5",
    "text as number": "actor_id = 'x'",
    "a number as text": "object_name = 5.5",
    "changes that are no JSON": "changes = '{'",
}


@pytest.fixture
def trail(ana):
    """A signed trail with a workspace's and a person's entries."""
    write_events(3)
    sign_head(now=now())
    return Event.objects.count()


def verify_by_command():
    with pytest.raises(CommandError) as refused:
        call_command("audit", "verify")
    return str(refused.value)


@only_sqlite
@pytest.mark.parametrize("odd", ODD_VALUES)
def test_a_row_that_no_entry_can_be_is_named_and_nothing_breaks(odd, ana, trail, capsys):
    tamper(f"UPDATE audit_event SET {ODD_VALUES[odd]} WHERE sequence = 2")

    finding = verify_trail()
    pages = [ana.get("/activity/"), ana.get("/activity/2/"), ana.get("/w/acme-vision/activity/")]
    exports = [
        b"".join(ana.get(f"/activity/?format={form}").streaming_content).decode() for form in ("csv", "jsonl")
    ]
    call_command("audit", "export")

    assert (finding.ok, finding.sequence) == (False, 2) and "Entry 2" in finding.message
    assert "entry 2" in verify_by_command()
    assert {page.status_code for page in pages} == {200}
    assert "n2" in pages[0].content.decode()  # the entries beside it are shown
    assert all("n2" in export and export.count("\n") >= trail for export in exports)
    assert len(capsys.readouterr().out.splitlines()) >= trail


@only_sqlite
@pytest.mark.parametrize("odd", ODD_VALUES)
def test_the_card_is_shown_when_the_first_row_cannot_be_read_and_nothing_is_signed(odd, ana, trail):
    tamper("DELETE FROM audit_signedhead")
    tamper(f"UPDATE audit_event SET {ODD_VALUES[odd]} WHERE sequence = 1")

    page, finding = ana.get("/activity/"), verify_trail()

    assert page.status_code == 200
    assert (finding.ok, finding.sequence) == (False, 1)


@only_sqlite
@pytest.mark.parametrize(
    "at",
    [
        "2026-02-30 10:00:00",
        "2026-13-01 10:00:00.000000",
        "2026-03-01 25:00:00",
        "0000-00-00 00:00:00",
        "2026-03-01 10:00:00.00000x",
    ],
)
def test_a_time_that_cannot_be_is_no_entry_of_the_portal_whatever_its_hash_says(at, db):
    write_events(3)
    [_, _, facts] = ([*row[:-2]] for row in hashed_rows(first=1, last=3))
    facts[1] = f"{at.replace(' ', 'T')}{'' if '.' in at else '.000000'}Z"
    hash = facts_hash(Event.objects.get(sequence=2).hash, facts)
    tamper(f"UPDATE audit_event SET at = '{at}', hash = '{hash}' WHERE sequence = 3")
    tamper(f"UPDATE audit_head SET hash = '{hash}'")

    finding = verify_trail()

    assert (finding.ok, finding.sequence) == (False, 3) and "no entry of the portal" in finding.message


@only_sqlite
def test_a_row_that_cannot_be_read_is_shown_as_broken(ana, trail):
    tamper("UPDATE audit_event SET reason = CAST(X'FFFE41' AS TEXT) WHERE sequence = 2")

    feed, entry = (ana.get(path).content.decode() for path in ("/activity/", "/activity/2/"))
    exported = [
        json.loads(line)
        for line in b"".join(ana.get("/activity/?format=jsonl").streaming_content).splitlines()
    ]

    assert "Somebody changed its row" in feed and "Somebody changed its row" in entry
    assert [one["action"] for one in exported if one["sequence"] == 2] == ["event.unreadable"]


@pytest.mark.parametrize("table", triggers.TABLES)
def test_dropped_triggers_are_named(table, trail):
    before = verify_trail().ok
    with connection.cursor() as cursor:
        name = f"{table}_no_{'change' if connection.vendor == 'postgresql' else 'update'}"
        cursor.execute(
            f"DROP TRIGGER {name} ON {table}" if connection.vendor == "postgresql" else f"DROP TRIGGER {name}"
        )

    assert before and name in verify_by_command()
    triggers.create_triggers(connection)
    assert verify_trail().ok


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="only PostgreSQL switches triggers off")
def test_triggers_that_are_switched_off_are_named(trail):
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE audit_event DISABLE TRIGGER ALL")

    assert "audit_event_no_change" in verify_by_command()


def empty_the_trail():
    for table in ("audit_event", "audit_signedhead", "audit_head", "audit_trailkey"):
        tamper(f"DELETE FROM {table}")


def test_an_emptied_trail_is_named_and_the_card_forgets_that_it_was_intact(ana, trail):
    call_command("audit", "verify")
    intact = ana.get("/activity/").content.decode()

    empty_the_trail()

    assert f"the first {trail} entries are intact" in intact
    assert "all entries were removed" in verify_trail().message
    card = ana.get("/activity/").content.decode()
    assert f"had {trail} when it was verified" in card and "all entries were removed" in verify_by_command()


def test_a_portal_that_nobody_has_set_up_has_an_empty_trail(db):
    assert verify_trail().ok and not TrailKey.objects.exists()


def cut_the_end(left):
    """Cut the end as one who controls the database would: with its signed heads, and the head set back."""
    tamper(f"DELETE FROM audit_event WHERE sequence > {left}")
    tamper(f"DELETE FROM audit_signedhead WHERE sequence > {left}")
    Head.objects.update(sequence=left, hash=Event.objects.get(sequence=left).hash)


def test_a_cut_end_makes_the_card_say_so_at_once(ana, trail):
    call_command("audit", "verify")

    cut_the_end(trail - 2)

    assert "when it was verified" in ana.get("/activity/").content.decode()


@pytest.mark.parametrize("hurt", ["head", "last entry", "signed head"])
def test_the_card_does_not_keep_an_old_intact(hurt, ana, trail):
    call_command("audit", "verify")
    if hurt == "head":
        Head.objects.update(hash="0" * 64)
    if hurt == "last entry":
        tamper(f"DELETE FROM audit_event WHERE sequence = {trail}")
    if hurt == "signed head":
        tamper("UPDATE audit_signedhead SET signature = 'x'")

    card = ana.get("/activity/").content.decode()

    assert "Before that" in card


def test_a_verification_that_fails_by_itself_is_not_intact(ana, trail, monkeypatch):
    call_command("audit", "verify")
    monkeypatch.setattr("portal.audit.verify_requests.verify_trail", lambda: 1 / 0)
    from portal.audit.verify_requests import perform_requested_verifications

    ana.post("/activity/verify/")
    perform_requested_verifications()

    assert "could not be verified (ZeroDivisionError)" in ana.get("/activity/").content.decode()
    assert SignedHead.objects.exists()
