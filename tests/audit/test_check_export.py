"""An export can be verified on another machine, with the public key alone."""

import json
import subprocess
import sys
from base64 import b64encode

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.core.management import call_command
from django.utils.timezone import now

from portal.audit import check_export
from portal.audit.sign import sign_head
from tests.audit.trail import write_events


@pytest.fixture
def export(db, tmp_path, capsys):
    """The path of an export of 12 entries, and the public key of its signed head."""
    write_events(12)
    head = sign_head(now=now())
    capsys.readouterr()
    call_command("audit", "export")
    path = tmp_path / "trail.jsonl"
    path.write_text(capsys.readouterr().out)
    return path, head.public_key


def check_elsewhere(path, *keys):
    command = [sys.executable, "-I", str(check_export.__file__), str(path), *keys]
    return subprocess.run(command, capture_output=True, text=True, cwd=path.parent, check=False)


def test_an_export_holds_entries_and_signed_heads(export):
    lines = [json.loads(line) for line in export[0].read_text().splitlines()]

    assert [one.get("sequence") for one in lines] == [*range(1, 13), None]
    assert lines[-1]["head"] == 12 and lines[-1]["hash"] == lines[11]["hash"]


def test_an_export_verifies_on_another_machine_with_the_public_key_alone(export):
    done = check_elsewhere(*export)

    assert (done.returncode, done.stdout) == (0, "The export is intact: 12 entries, 1 signed heads.\n")


CHANGES = pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda lines: [*lines[:3], lines[3].replace("n3", "n9"), *lines[4:]], "Entry 4 was altered"),
        (lambda lines: [*lines[:3], *lines[4:]], "Entry 4 is missing: the next one is 5"),
        (lambda lines: [*lines[:-3], lines[-1]], "Entry 12 is missing"),
        (lambda lines: lines[:-1], "No signed head"),
        (lambda lines: [*lines[:-1], lines[-1].replace('"hash": "', '"hash": "0')], "not by this public key"),
    ],
    ids=["altered", "removed", "cut", "unsigned", "forged"],
)


@CHANGES
def test_a_changed_export_is_refused(change, message, export):
    path, key = export
    path.write_text("\n".join(change(path.read_text().splitlines())) + "\n")

    with pytest.raises(ValueError, match=message):
        check_export.check(str(path), key)


def test_an_untouched_export_is_intact_with_the_key_among_several(export):
    path, key = export
    other = Ed25519PrivateKey.generate().public_key().public_bytes_raw()

    intact = check_export.check(str(path), b64encode(other).decode(), key)

    assert intact == "The export is intact: 12 entries, 1 signed heads."
    with pytest.raises(ValueError, match="not by this public key"):
        check_export.check(str(path), b64encode(other).decode())


def test_an_empty_export_is_intact_without_a_signed_head(tmp_path):
    empty = tmp_path / "empty.jsonl"
    empty.write_text("")

    assert check_export.check(str(empty)) == "The export is intact: 0 entries, 0 signed heads."


@CHANGES
def test_a_changed_export_is_refused_elsewhere(change, message, export):
    path, key = export
    path.write_text("\n".join(change(path.read_text().splitlines())) + "\n")

    done = check_elsewhere(path, key)

    assert done.returncode == 1 and message in done.stderr


def test_an_export_with_heads_of_a_former_trail_key_needs_both_public_keys(export, settings, capsys):
    path, former = export
    settings.PORTAL_TRAIL_KEY = "eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHg="
    write_events(1)
    current = sign_head(now=now()).public_key
    call_command("audit", "export")
    path.write_text(capsys.readouterr().out)

    assert (
        check_elsewhere(path, former, current).stdout == "The export is intact: 13 entries, 2 signed heads.\n"
    )
    assert check_elsewhere(path, current).returncode == check_elsewhere(path).returncode == 1
