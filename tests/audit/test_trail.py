"""The trail: it only grows, and whoever tampers with it is found."""

import base64
import json
import subprocess
import sys
from datetime import timedelta

import pytest
import structlog
import time_machine
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.utils.timezone import now

from portal.audit import check_export, triggers
from portal.audit.actions import Action, outcome_of_action, sentence_of
from portal.audit.append import Subject, append_event
from portal.audit.models import Event, Head, SignedHead
from portal.audit.origin import SYSTEM
from portal.audit.sign import sign_head, sign_when_due
from portal.audit.verify import verify_trail


def write(count):
    for number in range(count):
        with transaction.atomic():
            append_event(
                Action.PROFILE_CHANGED,
                by=SYSTEM,
                at=now(),
                about=Subject(type="person", name=f"n{number}"),
                changes={"name": ("ä", "<b>")},
            )


def tamper(sql):
    triggers.drop_triggers(connection)
    with connection.cursor() as cursor:
        cursor.execute(sql)
    triggers.create_triggers(connection)


def test_an_untouched_trail_verifies(db):
    write(20)

    finding = verify_trail()

    assert finding.ok and finding.entries == 20


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
    write(2)
    sign_head(now=now())

    with (
        pytest.raises(DatabaseError, match="only grows"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(sql)

    assert Event.objects.count() == 2


@pytest.mark.parametrize(
    ("sql", "where"),
    [
        ("UPDATE audit_event SET reason = 'other' WHERE sequence = 5", 5),
        ("UPDATE audit_event SET actor_name = 'Ben' WHERE sequence = 3", 3),
        ("DELETE FROM audit_event WHERE sequence = 4", 4),
        ("DELETE FROM audit_event WHERE sequence > 7", 8),
        ("UPDATE audit_event SET sequence = sequence + 1000 WHERE sequence = 2", 2),
    ],
)
def test_tampering_by_sql_is_named(sql, where, db):
    write(10)

    tamper(sql)

    finding = verify_trail()
    assert not finding.ok and finding.sequence == where


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="a word of SQLite's")
def test_sqlite_refuses_to_replace_an_event(db):
    write(2)

    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("INSERT OR REPLACE INTO audit_event SELECT * FROM audit_event WHERE sequence = 1")


@pytest.mark.parametrize("how", ["insert", "swap"])
def test_inserted_and_swapped_entries_are_named(how, db):
    write(10)
    columns = [field.column for field in Event._meta.fields if field.column != "sequence"]
    if how == "insert":  # one more entry in the middle, the later ones moved up
        tamper("UPDATE audit_event SET sequence = sequence + 1001 WHERE sequence > 5")
        tamper("UPDATE audit_event SET sequence = sequence - 1000 WHERE sequence > 1000")
        tamper(
            f"INSERT INTO audit_event (sequence, {', '.join(columns)}) SELECT 6, {', '.join(columns)} FROM audit_event WHERE sequence = 5"
        )
    else:
        tamper(
            "UPDATE audit_event SET sequence = CASE sequence WHEN 6 THEN 1007 ELSE 1006 END WHERE sequence IN (6, 7)"
        )
        tamper("UPDATE audit_event SET sequence = sequence - 1000 WHERE sequence > 1000")

    finding = verify_trail()

    assert not finding.ok and finding.sequence == 6


def test_no_entry_stands_before_the_first(db):
    write(3)
    columns = ", ".join(field.column for field in Event._meta.fields if field.column != "sequence")
    forged = f"INSERT INTO audit_event (sequence, {columns}) SELECT 0, {columns} FROM audit_event WHERE sequence = 1"

    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(forged)


def test_entries_beyond_the_head_are_named(db):
    write(5)
    tamper("UPDATE audit_head SET sequence = 4, hash = (SELECT hash FROM audit_event WHERE sequence = 4)")

    finding = verify_trail()

    assert not finding.ok and finding.sequence == 5


def test_a_rewritten_trail_is_not_signed(db):
    write(5)
    sign_head(now=now())
    write(3)
    tamper("UPDATE audit_event SET actor_name = 'Ben' WHERE sequence = 7")

    with structlog.testing.capture_logs() as logged:
        assert sign_head(now=now()) is None

    assert logged[0]["event"] == "trail_head_not_signed" and "Entry 7 was altered" in logged[0]["why"]
    assert SignedHead.objects.count() == 1


def test_removed_signed_heads_are_missed(db):
    with time_machine.travel(now() - timedelta(hours=2)):
        write(5)
        sign_head(now=now())
    assert verify_trail().ok

    tamper("DELETE FROM audit_signedhead")

    assert "signed heads were removed" in verify_trail().words


def test_heads_are_signed_at_once_and_then_every_five_minutes(db):
    write(1)
    moment = now()
    assert sign_when_due(now=moment)
    write(1)

    assert sign_when_due(now=moment + timedelta(minutes=4)) is None
    assert sign_when_due(now=moment + timedelta(minutes=5)).sequence == 2


def test_what_is_appended_while_a_verification_runs_is_no_fault(db, monkeypatch):
    write(5)
    monkeypatch.setattr(
        "portal.audit.verify.check_entry",
        lambda *args, **kwargs: write(1) if Event.objects.count() < 8 else "",
    )

    assert verify_trail().ok


def test_a_head_signed_with_a_strange_key_counts_for_nothing(db, settings):
    write(3)
    own = settings.PORTAL_TRAIL_KEY
    settings.PORTAL_TRAIL_KEY = base64.urlsafe_b64encode(b"x" * 32).decode()
    stranger = sign_head(now=now()).public_key
    settings.PORTAL_TRAIL_KEY = own

    assert "not signed by this portal's key" in verify_trail().words
    settings.PORTAL_TRAIL_FORMER_PUBLIC_KEYS = [stranger]
    assert verify_trail().ok


def test_a_restored_old_database_shows_against_the_log_stream(db, tmp_path, capsys):
    write(5)
    with structlog.testing.capture_logs() as logged:
        sign_head(now=now())
    stream = tmp_path / "web.log"
    stream.write_text("no json\nbeat-1  | " + json.dumps(logged[0]) + '\n{"event": "other"}\n')
    call_command("audit", "verify", "--against", str(stream))

    tamper("DELETE FROM audit_event WHERE sequence > 3")  # as a back-up of that time holds it
    tamper("DELETE FROM audit_signedhead")
    Head.objects.update(sequence=3, hash=Event.objects.get(sequence=3).hash)
    assert verify_trail().ok  # by itself it is whole

    with pytest.raises(CommandError, match=r"Entry 5 was signed on .* an older state"):
        call_command("audit", "verify", "--against", str(stream))


def exported(tmp_path, capsys):
    capsys.readouterr()
    call_command("audit", "export")
    path = tmp_path / "trail.jsonl"
    path.write_text(capsys.readouterr().out)
    return path


def checked_elsewhere(path, key):
    command = [sys.executable, "-I", str(check_export.__file__), str(path), key]
    return subprocess.run(command, capture_output=True, text=True, cwd=path.parent, check=False)


def test_an_export_verifies_on_another_machine_with_the_public_key_alone(db, tmp_path, capsys, settings):
    write(12)
    head = sign_head(now=now())

    done = checked_elsewhere(exported(tmp_path, capsys), head.public_key)

    assert (done.returncode, done.stdout) == (0, "The export is intact: 12 entries, 1 signed heads.\n")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda lines: [*lines[:3], lines[3].replace("n3", "n9"), *lines[4:]], "Entry 4 was altered"),
        (lambda lines: [*lines[:3], *lines[4:]], "Entry 4 is missing"),
        (lambda lines: [*lines[:-3], lines[-1]], "Entry 12 is missing"),
        (lambda lines: lines[:-1], "No signed head"),
        (lambda lines: [*lines[:-1], lines[-1].replace('"hash": "', '"hash": "0')], "not by this public key"),
    ],
)
def test_a_changed_export_is_refused_elsewhere(change, words, db, tmp_path, capsys):
    write(12)
    head = sign_head(now=now())
    path = exported(tmp_path, capsys)
    path.write_text("\n".join(change(path.read_text().splitlines())) + "\n")

    done = checked_elsewhere(path, head.public_key)

    assert done.returncode == 1 and words in done.stderr


def test_a_cut_off_end_shows_against_a_signed_head_even_when_the_head_was_cut_too(db):
    write(10)
    sign_head(now=now())

    tamper("DELETE FROM audit_event WHERE sequence > 7")
    Head.objects.update(sequence=7, hash=Event.objects.get(sequence=7).hash)

    finding = verify_trail()
    assert not finding.ok and "cut off" in finding.words


def test_the_command_names_the_first_bad_entry_and_fails(db, capsys):
    write(5)
    call_command("audit", "verify")
    tamper("UPDATE audit_event SET ip = '1.1.1.1' WHERE sequence = 2")

    with pytest.raises(CommandError, match="broken at entry 2"):
        call_command("audit", "verify")

    assert "intact: 5 entries" in capsys.readouterr().out


def test_an_export_holds_entries_and_signed_heads(db, capsys):
    write(3)
    sign_head(now=now())

    call_command("audit", "export")

    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [one.get("sequence") for one in lines] == [1, 2, 3, None]
    assert lines[-1]["head"] == 3 and lines[-1]["hash"] == lines[2]["hash"]


def test_an_event_is_written_only_with_its_change(transactional_db):
    with pytest.raises(RuntimeError):
        append_event(Action.SETUP, by=SYSTEM, at=now())


def test_every_action_has_words_and_an_outcome():
    for action in Action:
        assert sentence_of(str(action)) and outcome_of_action(str(action))


def test_what_people_type_is_one_line_without_tricks(db):
    with transaction.atomic():
        append_event(
            Action.PROFILE_CHANGED,
            by=SYSTEM,
            at=now(),
            reason="a\u202eb\nc\x1b[31m",
            about=Subject(name="x\ny"),
        )

    assert (Event.objects.get().reason, Event.objects.get().object_name) == ("a b c [31m", "x y")


def test_keys_in_reasons_are_masked(db):
    with transaction.atomic():
        append_event(
            Action.PROFILE_CHANGED, by=SYSTEM, at=now(), reason="see https://x/?api_key=SECRETSECRET&x=1"
        )

    assert "SECRETSECRET" not in Event.objects.get().reason
