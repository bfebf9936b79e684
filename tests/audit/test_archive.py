"""The older entries move to a file that verifies by itself; the rest verifies from the signed checkpoint."""

import io
import json
import re
import subprocess
import sys
from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.utils.timezone import now

from portal.audit import archive, check_export
from portal.audit.checkpoints import newest_checkpoint
from portal.audit.export_lines import head_line
from portal.audit.integrity import integrity_context
from portal.audit.models import Checkpoint, Event, SignedHead
from portal.audit.sign import sign_head
from portal.audit.triggers import missing_triggers
from portal.audit.verify import verify_trail
from tests.audit.trail import tamper, write_events

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def trail():
    """Twelve entries: heads are signed at 5, 10 and 12, a minute apart."""
    for number, count in enumerate((5, 5, 2)):
        write_events(count)
        sign_head(now=now() + timedelta(minutes=number))
    return sign_head


@pytest.fixture
def write(tmp_path, capsys):
    """Write an archive with the command; return its path."""

    def write_archive(*options, name="trail-1.jsonl"):
        capsys.readouterr()
        call_command("audit", "archive", *options)
        path = tmp_path / name
        path.write_text(capsys.readouterr().out)
        return path

    return write_archive


def check_elsewhere(path):
    key = SignedHead.objects.last().public_key
    command = [sys.executable, "-I", str(check_export.__file__), str(path), key]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_an_archive_verifies_by_itself_and_nothing_is_removed_yet(trail, write):
    path = write("--to", "11")

    done = check_elsewhere(path)

    assert done.stdout == "The export is intact: 10 entries, 2 signed heads.\n"  # up to the last signed head
    assert Event.objects.count() == 12 and not Checkpoint.objects.exists()


def test_what_is_archived_is_removed_and_the_rest_verifies_from_the_checkpoint(trail, write, capsys):
    path = write("--to", "10")

    call_command("audit", "remove-archived", str(path))

    said, checkpoint, finding = capsys.readouterr().out, newest_checkpoint(), verify_trail()
    assert said.startswith("Removed 10 entries: the trail begins behind entry 10.")
    assert list(Event.objects.order_by("sequence").values_list("sequence", "action")) == [
        (11, "profile.changed"),
        (12, "profile.changed"),
        (13, "trail.archived"),
    ]
    assert (finding.ok, finding.entries, finding.message) == (True, 13, "")
    assert checkpoint.archive in said and checkpoint.archive in Event.objects.get(sequence=13).changes
    assert missing_triggers(connection) == []
    with pytest.raises(Exception, match="only grows"), transaction.atomic():
        Event.objects.filter(sequence=12).delete()


def test_the_trail_grows_is_signed_and_archived_again(trail, write, capsys):
    call_command("audit", "remove-archived", str(write("--to", "10")))
    write_events(3)
    assert sign_head(now=now() + timedelta(minutes=5)).sequence == 16
    write_events(1)

    second = write("--to", "16", name="trail-2.jsonl")
    call_command("audit", "remove-archived", str(second))

    first_line = json.loads(second.read_text().splitlines()[0])
    assert (first_line["checkpoint"], json.loads(second.read_text().splitlines()[1])["sequence"]) == (10, 11)
    assert check_elsewhere(second).stdout == "The export is intact: 6 entries, 11 to 16, 2 signed heads.\n"
    assert verify_trail().ok and Event.objects.count() == 2


def test_an_export_of_the_rest_verifies_elsewhere(trail, write, tmp_path, capsys):
    call_command("audit", "remove-archived", str(write("--to", "5")))
    sign_head(now=now() + timedelta(minutes=5))
    capsys.readouterr()

    call_command("audit", "export")

    (tmp_path / "rest.jsonl").write_text(capsys.readouterr().out)
    assert check_elsewhere(tmp_path / "rest.jsonl").stdout.startswith(
        "The export is intact: 8 entries, 6 to 13,"
    )


def test_entries_before_a_day_are_archived(trail, write):
    tomorrow = (now() + timedelta(days=1)).date().isoformat()

    assert len(write("--before", tomorrow).read_text().splitlines()) == 10 + 2  # the newest entry stays
    with pytest.raises(CommandError, match="nothing to archive"):
        write("--before", now().date().isoformat())


def test_without_a_signed_head_nothing_is_archived(write):
    write_events(5)

    with pytest.raises(CommandError, match="nothing to archive: no head is signed"):
        write("--to", "5")


def altered(lines):
    return [*lines[:3], lines[3].replace("n3", "n9"), *lines[4:]]


def resigned(lines):
    forged = json.loads(lines[-1]) | {"signature": "AAAA"}
    return [*lines[:-1], json.dumps(forged)]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (altered, "Entry 4 was altered"),
        (lambda lines: [*lines[:3], *lines[4:]], "Entry 4 is missing"),
        (lambda lines: lines[1:], "Entry 1 is missing"),
        (lambda lines: [*lines[:9], *lines[10:]], "Entry 10 is missing"),
        (lambda lines: lines[:10], "No signed head"),
        (lambda lines: [*lines[:8], lines[10]], "has none"),
        (resigned, "not by this public key"),
        (lambda lines: ["{}"], "not intact"),
        (lambda lines: [], "does not begin with entry 1"),
        (lambda lines: ["\udcff"], "not intact"),
    ],
    ids=["altered", "hole", "beginning", "end", "unsigned", "cut", "forged", "odd", "empty", "no text"],
)
def test_a_file_that_is_not_the_archive_removes_nothing(change, message, trail, write):
    lines = change(write("--to", "10").read_text().splitlines())
    file = io.BytesIO("\n".join(lines).encode(errors="surrogateescape"))

    with pytest.raises(archive.ArchiveError, match=message):
        archive.remove_archived(file, now=now())

    assert Event.objects.count() == 12 and not Checkpoint.objects.exists()
    assert verify_trail().ok


def test_an_archive_of_another_trail_removes_nothing(trail, write):
    path = write("--to", "10")
    tamper("UPDATE audit_event SET hash = 'x' WHERE sequence = 10")

    with pytest.raises(CommandError, match="Entry 10 of the archive is not the one that is stored"):
        call_command("audit", "remove-archived", str(path))


def test_an_archive_is_removed_once(trail, write):
    path = write("--to", "10")
    call_command("audit", "remove-archived", str(path))

    with pytest.raises(CommandError, match="does not begin with entry 11"):
        call_command("audit", "remove-archived", str(path))


def test_a_broken_trail_is_not_archived(trail, write):
    tamper("UPDATE audit_event SET reason = 'other' WHERE sequence = 3")

    with pytest.raises(CommandError, match=r"nothing is archived\. Entry 3 was altered"):
        write("--to", "10")


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("DELETE FROM audit_checkpoint", "Entry 1 is missing: the next one is 11"),
        ("UPDATE audit_checkpoint SET sequence = 11", "checkpoint at 11 was not signed by this portal"),
        ("UPDATE audit_checkpoint SET hash = 'x'", "checkpoint at 10 was not signed by this portal"),
        ("UPDATE audit_checkpoint SET archive = 'x'", "checkpoint at 10 was not signed by this portal"),
        ("DELETE FROM audit_event WHERE sequence = 11", "Entry 11 is missing: the next one is 12"),
        ("UPDATE audit_event SET reason = 'x' WHERE sequence = 11", "Entry 11 was altered"),
    ],
)
def test_tampering_after_an_archive_is_named(sql, message, trail, write):
    call_command("audit", "remove-archived", str(write("--to", "10")))

    tamper(sql)

    assert message in verify_trail().message
    if "audit_checkpoint" in sql and "DELETE" not in sql:
        assert message in integrity_context()["broken_now"]


def test_a_checkpoint_that_somebody_made_up_hides_no_removal(trail):
    hash_of_8 = Event.objects.get(sequence=8).hash
    head = SignedHead.objects.get(sequence=5)
    tamper("DELETE FROM audit_event WHERE sequence <= 8")
    Checkpoint.objects.create(
        sequence=8,
        hash=hash_of_8,
        archive="0" * 64,
        signed_at=head.signed_at,
        signature=head.signature,
        public_key=head.public_key,
    )

    assert "its entries were removed" in verify_trail().message


def test_heads_that_were_kept_elsewhere_still_agree(trail, write, tmp_path):
    kept = tmp_path / "kept.jsonl"
    kept.write_text("".join(f"{head_line(head)}\n" for head in SignedHead.objects.all()))
    call_command("audit", "remove-archived", str(write("--to", "10")))

    call_command("audit", "verify", "--against", str(kept))


def test_the_card_tells_what_is_archived(trail, write, ana):
    call_command("audit", "remove-archived", str(write("--to", "10")))

    card, page = integrity_context(), ana.get("/w/acme-vision/activity/").content.decode()

    assert (card["broken_now"], card["checkpoint"].sequence) == ("", 10)
    assert re.search(r"up to entry 10,", " ".join(page.split()))


@pytest.mark.parametrize("address", ["/w/acme-vision/activity/", "/activity/"])
def test_a_link_to_an_archived_entry_says_where_it_is(address, trail, write, ana):
    get_user_model().objects.update(is_administrator=True)
    call_command("audit", "remove-archived", str(write("--to", "10")))

    page, feed = ana.get(f"{address}7/"), ana.get(address).content.decode()

    assert (
        page.status_code == 410
        and "The entries up to 10 were moved to an archive on" in page.content.decode()
    )
    assert ana.get(f"{address}9999/").status_code == 404
    assert "The entries up to 10 were moved to an archive:" in feed


def test_only_the_last_page_of_the_feed_says_that_older_entries_are_archived(trail, write, ana):
    get_user_model().objects.update(is_administrator=True)
    call_command("audit", "remove-archived", str(write("--to", "10")))
    write_events(60)

    first = ana.get("/activity/").content.decode()
    cursor = re.search(r'href="(\?cursor=[^"]*)"', first)[1]
    last = ana.get(f"/activity/{cursor}").content.decode()

    assert "were moved to an archive:" not in first
    assert "were moved to an archive:" in last


def test_there_is_one_checkpoint_for_an_entry(trail, write):
    call_command("audit", "remove-archived", str(write("--to", "10")))
    again = newest_checkpoint()
    again.pk = None

    with pytest.raises(IntegrityError), transaction.atomic():
        again.save()
