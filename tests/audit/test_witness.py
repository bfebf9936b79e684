"""Signed heads that were kept elsewhere show an old or rewritten database."""

import json

import pytest
import structlog
from django.core.management import CommandError, call_command
from django.utils.timezone import now

from portal.audit.models import Event, Head
from portal.audit.sign import sign_head
from portal.audit.trail_keys import trail_keys
from portal.audit.verify import verify_trail
from portal.audit.witness import find_contradiction, read_witnesses
from tests.audit.trail import tamper, write_events


@pytest.fixture
def signed_line(db):
    """The line of the log stream about a head at entry 5."""
    write_events(5)
    with structlog.testing.capture_logs() as logged:
        sign_head(now=now())
    return json.dumps(logged[0])


def test_statements_are_read_with_a_prefix_and_other_lines_are_skipped(signed_line):
    lines = ["no json", f"beat-1  | {signed_line}", '{"event": "other"}', "{", ""]

    found = list(read_witnesses(lines, public_keys=trail_keys()))

    assert [one.sequence for one in found] == [5]


def test_statements_that_another_key_signed_or_that_were_changed_are_skipped(signed_line):
    changed = signed_line.replace('"sequence": 5', '"sequence": 4')

    assert list(read_witnesses([signed_line], public_keys={"another key"})) == []
    assert list(read_witnesses([changed], public_keys=trail_keys())) == []
    assert len(list(read_witnesses([signed_line], public_keys=trail_keys()))) == 1


def test_the_first_contradiction_is_named(signed_line):
    witnesses = list(read_witnesses([signed_line], public_keys=trail_keys()))
    assert find_contradiction(witnesses) is None

    tamper("UPDATE audit_event SET hash = 'x' WHERE sequence = 5")

    sequence, message = find_contradiction(witnesses)
    assert sequence == 5 and message.startswith("Entry 5 is not the one that was signed on")


def test_a_restored_old_database_shows_against_the_log_stream(signed_line, tmp_path):
    stream = tmp_path / "web.log"
    stream.write_text(f"no json\nbeat-1  | {signed_line}\n")
    call_command("audit", "verify", "--against", str(stream))

    tamper("DELETE FROM audit_event WHERE sequence > 3")  # as a back-up of that time holds it
    tamper("DELETE FROM audit_signedhead")
    Head.objects.update(sequence=3, hash=Event.objects.get(sequence=3).hash)
    assert verify_trail().ok  # by itself it is intact

    with pytest.raises(CommandError, match=r"Entry 5 was signed on .* an older state"):
        call_command("audit", "verify", "--against", str(stream))


def test_a_file_without_signed_heads_or_that_cannot_be_read_is_refused(db, tmp_path):
    empty = tmp_path / "empty.log"
    empty.write_text("nothing\n")

    with pytest.raises(CommandError, match="contains no head that this portal signed"):
        call_command("audit", "verify", "--against", str(empty))
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("audit", "verify", "--against", str(tmp_path / "missing.log"))
