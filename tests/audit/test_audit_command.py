"""`manage.py audit`: verify a range or all, store only the verdict on all, draw progress on a terminal."""

import sys

import pytest
from django.core.management import CommandError, call_command

from portal.audit import verify
from portal.audit.models import Verification
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
