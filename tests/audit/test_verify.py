"""Verification names the first bad entry, whatever was done to the trail."""

import base64
from datetime import timedelta

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.utils.timezone import now

from portal.audit.chain import utc_text
from portal.audit.models import Event, Head, Verification
from portal.audit.origin import Origin
from portal.audit.sign import sign_head
from portal.audit.stored import hashed_rows
from portal.audit.verify import follows, verify_trail
from portal.audit.verify_requests import verify_for_person
from tests.audit.trail import columns_but_sequence, tamper, write_events


def test_an_untouched_trail_verifies(db):
    write_events(20)

    finding = verify_trail()

    assert finding.ok and finding.entries == 20


@pytest.mark.parametrize(
    "moment",
    [
        "2026-03-01T12:00:00Z",
        "2026-03-01T12:00:00.000001Z",
        "2026-03-01T12:00:00.100000Z",
        "2026-01-31T23:59:59.999999Z",
        "2028-02-29T23:59:59.999600Z",
        "1999-12-31T23:59:59.999999Z",
    ],
)
def test_an_entry_verifies_whenever_it_was_written_and_is_known_by_the_text_of_its_time(moment, db):
    with time_machine.travel(moment, tick=False):
        write_events(2)
        finding = verify_trail()

    assert finding.ok and finding.entries == 2
    assert {row[1] for row in hashed_rows(first=1, last=2)} == {utc_text(Event.objects.first().at)}


def test_an_empty_trail_verifies(db):
    finding = verify_trail()

    assert finding.ok and finding.entries == 0


@pytest.mark.parametrize(
    ("sql", "where", "message"),
    [
        ("UPDATE audit_event SET reason = 'other' WHERE sequence = 5", 5, "Entry 5 was altered"),
        ("UPDATE audit_event SET actor_name = 'Ben' WHERE sequence = 3", 3, "Entry 3 was altered"),
        ("DELETE FROM audit_event WHERE sequence = 4", 4, "Entry 4 is missing: the next one is 5"),
        ("DELETE FROM audit_event WHERE sequence > 7", 8, "ends at 7, but its head says 10"),
        ("UPDATE audit_event SET sequence = sequence + 1000 WHERE sequence = 2", 2, "Entry 2 is missing"),
        ("UPDATE audit_event SET previous_hash = 'x' WHERE sequence = 6", 6, "Entry 6 does not follow"),
        ("UPDATE audit_head SET hash = 'x'", 10, "not the one that the head names"),
    ],
)
def test_tampering_by_sql_is_named(sql, where, message, db):
    write_events(10)

    tamper(sql)

    finding = verify_trail()
    assert (finding.ok, finding.sequence) == (False, where)
    assert message in finding.message


@pytest.mark.parametrize("how", ["insert", "swap"])
def test_inserted_and_swapped_entries_are_named(how, db):
    write_events(10)
    columns = columns_but_sequence()
    if how == "insert":  # one more entry in the middle, the later ones moved up
        tamper("UPDATE audit_event SET sequence = sequence + 1001 WHERE sequence > 5")
        tamper("UPDATE audit_event SET sequence = sequence - 1000 WHERE sequence > 1000")
        tamper(
            f"INSERT INTO audit_event (sequence, {columns}) "
            f"SELECT 6, {columns} FROM audit_event WHERE sequence = 5"
        )
    else:
        tamper(
            "UPDATE audit_event SET sequence = CASE sequence WHEN 6 THEN 1007 ELSE 1006 END "
            "WHERE sequence IN (6, 7)"
        )
        tamper("UPDATE audit_event SET sequence = sequence - 1000 WHERE sequence > 1000")

    finding = verify_trail()

    assert not finding.ok and finding.sequence == 6


def test_entries_beyond_the_head_are_named(db):
    write_events(5)
    tamper("UPDATE audit_head SET sequence = 4, hash = (SELECT hash FROM audit_event WHERE sequence = 4)")

    finding = verify_trail()

    assert not finding.ok and finding.sequence == 5


def test_a_range_verifies_only_its_entries(db):
    write_events(10)
    tamper("UPDATE audit_event SET reason = 'other' WHERE sequence = 5")

    before, after, across = (
        verify_trail(last=4),
        verify_trail(first=6, last=10),
        verify_trail(first=4, last=8),
    )

    assert (before.ok, before.entries) == (True, 4)
    assert (after.ok, after.entries) == (True, 5)
    assert (across.ok, across.sequence) == (False, 5)


def test_a_range_may_end_after_the_last_entry(db):
    write_events(3)

    finding = verify_trail(first=2, last=99)

    assert (finding.ok, finding.entries) == (True, 2)


def test_a_range_whose_entry_before_is_missing_cannot_be_verified(db):
    write_events(5)
    tamper("DELETE FROM audit_event WHERE sequence = 2")

    finding = verify_trail(first=3)

    assert (finding.ok, finding.sequence, finding.message) == (False, 2, "Entry 2 is missing.")


def test_what_is_appended_while_a_verification_runs_is_no_fault(db, monkeypatch):
    write_events(5)

    def check_and_append(*args, **kwargs):
        if Event.objects.count() < 8:
            write_events(1)
        return follows(*args, **kwargs)

    monkeypatch.setattr("portal.audit.verify.follows", check_and_append)

    finding = verify_trail()

    assert (finding.ok, finding.entries, Event.objects.count()) == (True, 5, 8)


def test_removed_signed_heads_are_missed(db):
    with time_machine.travel(now() - timedelta(hours=2)):
        write_events(5)
        sign_head(now=now())
    assert verify_trail().ok

    tamper("DELETE FROM audit_signedhead")

    assert "signed heads were removed" in verify_trail().message


def test_a_young_trail_may_have_no_signed_head_yet(db):
    with time_machine.travel(now() - timedelta(minutes=59)):
        write_events(5)

    assert verify_trail().ok


def test_a_head_signed_with_a_strange_key_counts_for_nothing(db, settings):
    write_events(3)
    own, own_vault = settings.PORTAL_TRAIL_KEY, settings.PORTAL_VAULT_KEYS
    settings.PORTAL_TRAIL_KEY = base64.urlsafe_b64encode(b"x" * 32).decode()
    settings.PORTAL_VAULT_KEYS = [base64.urlsafe_b64encode(b"y" * 32).decode()]
    stranger = sign_head(now=now()).public_key
    settings.PORTAL_TRAIL_KEY, settings.PORTAL_VAULT_KEYS = own, own_vault

    assert "not signed by this portal's key" in verify_trail().message
    settings.PORTAL_TRAIL_FORMER_PUBLIC_KEYS = [stranger]
    assert verify_trail().ok


def test_an_altered_signature_is_named(db):
    write_events(3)
    sign_head(now=now())
    tamper("UPDATE audit_signedhead SET signed_at = '2020-01-01 00:00:00+00:00'")

    finding = verify_trail()

    assert (finding.ok, finding.sequence) == (False, 3)
    assert "signature of the head at 3 is not valid" in finding.message


def test_a_rewritten_chain_does_not_agree_with_its_signed_head(db):
    write_events(3)
    sign_head(now=now())
    tamper("UPDATE audit_signedhead SET hash = 'x'")

    finding = verify_trail()

    assert (finding.ok, finding.sequence) == (False, 3)
    assert "not the one whose head was signed" in finding.message


def test_a_cut_off_end_shows_against_a_signed_head_even_when_the_head_was_cut_too(db):
    write_events(10)
    sign_head(now=now())

    tamper("DELETE FROM audit_event WHERE sequence > 7")
    Head.objects.update(sequence=7, hash=Event.objects.get(sequence=7).hash)

    finding = verify_trail()
    assert (finding.ok, finding.sequence) == (False, 8)
    assert "cut off" in finding.message


def test_the_command_names_the_first_bad_entry_and_fails(db, capsys):
    write_events(5)
    call_command("audit", "verify")
    tamper("UPDATE audit_event SET ip = '1.1.1.1' WHERE sequence = 2")

    with pytest.raises(CommandError, match="broken at entry 2"):
        call_command("audit", "verify")

    assert "intact: 5 entries" in capsys.readouterr().out
    stored = Verification.objects.get()
    assert (stored.ok, stored.entries) == (False, 1) and "Entry 2 was altered" in stored.finding


def test_a_verification_for_a_person_is_stored_and_is_an_event(transactional_db):
    write_events(4)

    verify_for_person(Origin(actor_name="Ana"))

    stored, event = Verification.objects.get(), Event.objects.get(action="trail.verified")
    assert (stored.ok, stored.entries, stored.by) == (True, 4, "Ana")
    assert event.changed == {"result": [None, "intact"]}
