"""The trail: it only grows, and whoever tampers with it is found."""

import json

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.utils.timezone import now

from portal.audit import triggers
from portal.audit.actions import Action, outcome_of, words_of
from portal.audit.append import Thing, append
from portal.audit.models import Event, Head
from portal.audit.origin import SYSTEM
from portal.audit.verify import sign_head, verify


def write(count):
    for number in range(count):
        with transaction.atomic():
            append(Action.PROFILE_CHANGED, by=SYSTEM, at=now(), about=Thing(type="person", name=f"n{number}"), changes={"name": ("ä", "<b>")})


def tamper(sql):
    triggers.drop(connection)
    with connection.cursor() as cursor:
        cursor.execute(sql)
    triggers.create(connection)


def test_an_untouched_trail_verifies(db):
    write(20)

    finding = verify()

    assert finding.ok and finding.entries == 20


@pytest.mark.parametrize("sql", ["UPDATE audit_event SET reason = 'x'", "DELETE FROM audit_event"])
def test_the_database_refuses_to_change_events(sql, db):
    write(2)

    with pytest.raises(DatabaseError, match="only grows"), transaction.atomic(), connection.cursor() as cursor:
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

    finding = verify()
    assert not finding.ok and finding.sequence == where


def test_a_cut_off_end_shows_against_a_signed_head_even_when_the_head_was_cut_too(db):
    write(10)
    sign_head(now=now())

    tamper("DELETE FROM audit_event WHERE sequence > 7")
    Head.objects.update(sequence=7, hash=Event.objects.get(sequence=7).hash)

    finding = verify()
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
        append(Action.SETUP, by=SYSTEM, at=now())


def test_every_action_has_words_and_an_outcome():
    for action in Action:
        assert words_of(str(action)) and outcome_of(str(action))


def test_keys_in_reasons_are_masked(db):
    with transaction.atomic():
        append(Action.PROFILE_CHANGED, by=SYSTEM, at=now(), reason="see https://x/?api_key=SECRETSECRET&x=1")

    assert "SECRETSECRET" not in Event.objects.get().reason
