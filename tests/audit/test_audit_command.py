"""`manage.py audit`: verify a range or all, store only the verdict on all, draw progress on a terminal."""

import sys

import pytest
from django.core.management import CommandError, call_command

from portal.audit import verify
from portal.audit.export_lines import head_line
from portal.audit.management.commands import audit
from portal.audit.models import Verification
from portal.audit.sign import sign_head
from portal.audit.verify import Finding
from portal.clock import now
from tests.audit.trail import tamper, write_events


@pytest.mark.parametrize(
    ("options", "entries", "is_stored"),
    [
        ((), 9, True),
        (("--from", "1"), 9, True),
        (("--from", "-3"), 9, True),
        (("--from", "4"), 6, False),
        (("--to", "5"), 5, False),
        (("--from", "4", "--to", "5"), 2, False),
    ],
)
def test_a_range_can_be_verified_and_only_the_verdict_on_all_is_stored(
    options, entries, is_stored, db, capsys
):
    write_events(9)

    call_command("audit", "verify", *options)

    assert capsys.readouterr().out == f"The trail is intact: {entries} entries.\n"
    assert Verification.objects.exists() is is_stored


def test_what_is_damaged_outside_a_range_does_not_spoil_it(db):
    write_events(9)
    tamper("UPDATE audit_event SET reason = 'other' WHERE sequence = 2")

    call_command("audit", "verify", "--from", "4")

    with pytest.raises(CommandError, match="broken at entry 2"):
        call_command("audit", "verify", "--to", "4")


@pytest.mark.parametrize("is_terminal", [True, False])
def test_a_terminal_sees_how_far_it_is(is_terminal, db, capsys, monkeypatch):
    monkeypatch.setattr(verify, "CHUNK", 5)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: is_terminal)
    write_events(10)

    call_command("audit", "verify")

    bars = [f"\r[{'#' * 20}{'.' * 20}] 5/10", f"\r[{'#' * 40}] 10/10"]
    assert capsys.readouterr().err == ("".join(bars) + "\n" if is_terminal else "")


@pytest.mark.parametrize(
    ("options", "is_compared"), [((), True), (("--from", "4"), False), (("--to", "5"), False)]
)
def test_only_the_whole_trail_is_compared_with_the_heads_that_were_kept(
    options, is_compared, db, monkeypatch
):
    write_events(9)
    kept = Finding(False, 9, "The kept head is another one.", 9)
    monkeypatch.setattr(audit, "contradiction_with_kept", lambda: kept)

    if is_compared:
        with pytest.raises(CommandError, match="The kept head is another one"):
            call_command("audit", "verify", *options)
    else:
        call_command("audit", "verify", *options)


def test_a_file_of_heads_is_counted_and_may_hold_bytes_of_any_kind(db, tmp_path, capsys):
    write_events(2)
    head = sign_head(now=now())
    file = tmp_path / "stream"
    file.write_bytes(b"\xff\xfe odd \n" + head_line(head).encode() + b"\n")

    call_command("audit", "verify", "--against", str(file))

    assert f"{file} contains 1 signed heads." in capsys.readouterr().out


def test_an_export_is_readable_text(db, capsys):
    write_events(1)

    call_command("audit", "export")

    assert "ä" in capsys.readouterr().out


def test_without_a_verb_it_says_what_it_can_do(db):
    with pytest.raises(CommandError, match="verb"):
        call_command("audit")
