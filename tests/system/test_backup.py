"""A restored portal has the same trail and keys, nobody is signed in, and no operation is sent twice."""

import gzip
import io

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils.timezone import now

from deployments.keys.models import ApiKey
from deployments.keys.open import call_with_key
from deployments.ledger.models import Operation
from deployments.system.backup import write_backup
from portal.accounts.models import User
from portal.audit.models import Head
from portal.audit.verify import verify_trail
from tests.people import make_person, operation_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ana(transactional_db, ana):
    return ana


@pytest.fixture
def saved(ana, tmp_path):
    """Return a function that writes a back-up and returns its path."""

    def save():
        call_command("backup", str(tmp_path / "portal.backup"))
        return tmp_path / "portal.backup"

    return save


def head_hash():
    """Return the hash of the newest entry of the trail."""
    return Head.objects.get(pk=1).hash


def state_of(operation):
    """Return the state of an operation as it is stored."""
    return Operation.objects.get(pk=operation.pk).state


def test_a_restored_portal_has_the_same_head_people_and_keys(ana, fleet, saved, capsys):
    file = saved()
    head = head_hash()
    make_person("Later")

    call_command("restore", str(file), "--replace")

    printed = capsys.readouterr()
    assert "vault key is not in it" in printed.err
    assert "trail is intact" in printed.out
    assert head_hash() == head
    assert verify_trail().ok
    assert list(User.objects.values_list("email", flat=True)) == ["ana@example.com"]
    assert "pallet-counter" in names_listed_with(ApiKey.objects.get())


def names_listed_with(key):
    """Return the names of the deployments that Roboflow lists under a stored key."""
    found = call_with_key(key, lambda client, secret: client.list_deployments(secret), now=now())
    return {one.deployment_name for one in found.deployments}


def test_a_back_up_file_is_readable_by_its_owner_alone(ana, saved):
    assert saved().stat().st_mode & 0o077 == 0


def test_a_back_up_overwrites_no_file(ana, saved):
    file = saved()
    before = file.read_bytes()

    with pytest.raises(CommandError, match="exists already"):
        saved()

    assert file.read_bytes() == before
    assert [path.name for path in file.parent.iterdir()] == [file.name]  # no draft stays


def test_a_back_up_into_a_folder_that_does_not_exist_is_refused_in_a_sentence(ana, tmp_path):
    with pytest.raises(CommandError, match="cannot be written: No such file or directory"):
        call_command("backup", str(tmp_path / "missing" / "portal.backup"))


def test_new_rows_come_after_the_restored_ones(ana, fleet, saved):
    call_command("restore", str(saved()), "--replace")

    assert make_person("Later").user.pk != ana.user.pk
    with pytest.raises(Exception, match="only grows"), connection.cursor() as cursor:
        cursor.execute("DELETE FROM audit_event")


def test_nobody_is_signed_in_by_a_back_up(ana, saved):
    session = ana.client.session.session_key

    content = gzip.decompress(saved().read_bytes())

    assert b"ana@example.com" in content
    assert session.encode() not in content
    assert b"sandbox-key-ana" not in content


def test_what_was_open_is_asked_for_and_not_sent_again(ana, fleet, saved, worker, sandbox, settings):
    operation = operation_of(ana.ask(fleet["pallet-counter"], "pause"))
    file = saved()
    worker.drain()  # it is sent after the back-up was made
    assert len(sandbox.journal("/pause")) == 1

    call_command("restore", str(file), "--replace")
    assert state_of(operation) == "unknown"
    worker.drain()

    assert state_of(operation) == "succeeded"
    assert len(sandbox.journal("/pause")) == 1
    assert verify_trail().ok


def test_a_create_that_was_open_is_never_sent_again(ana, fleet, saved, worker, sandbox, settings):
    operation = operation_of(ana.create("later-one"))
    file = saved()
    settings.OPERATION_CONFIRM_SECONDS = 0.5

    call_command("restore", str(file), "--replace")
    worker.drain()

    assert state_of(operation) == "needs_attention"
    assert sandbox.journal("/add") == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(b"", "no back-up", id="nothing"),
        pytest.param(b"hello", "damaged", id="no gzip"),
        pytest.param(gzip.compress(b"{}\n"), "no back-up", id="no header"),
        pytest.param(gzip.compress(b"[]\n"), "no back-up", id="a list"),
        pytest.param(gzip.compress(b'{"portal_backup": 9}\n'), "format 9", id="other format"),
    ],
)
def test_what_is_no_back_up_is_refused_in_a_sentence(content, message, ana, tmp_path):
    (tmp_path / "file").write_bytes(content)

    with pytest.raises(CommandError, match=message):
        call_command("restore", str(tmp_path / "file"), "--replace")


def test_a_back_up_cut_short_changes_nothing(ana, fleet, saved):
    file = saved()
    file.write_bytes(file.read_bytes()[: file.stat().st_size * 2 // 3])
    before = head_hash()

    with pytest.raises(CommandError, match="damaged"):
        call_command("restore", str(file), "--replace")

    assert head_hash() == before
    assert verify_trail().ok
    assert User.objects.count() == 1


def test_people_are_replaced_only_with_the_option(ana, saved):
    file = saved()
    make_person("Later")

    with pytest.raises(CommandError, match="--replace"):
        call_command("restore", str(file))

    assert User.objects.count() == 2


def test_a_back_up_goes_through_a_pipe(ana):
    stream = io.BytesIO()

    header = write_backup(stream, now=now())

    assert header["head"]["hash"] == head_hash()
    assert gzip.decompress(stream.getvalue()).startswith(b'{"portal_backup": 1')


def test_a_kill_right_after_the_restore_sends_nothing_again_either(
    ana, fleet, saved, worker, sandbox, monkeypatch
):
    operation = operation_of(ana.ask(fleet["pallet-counter"], "pause"))
    file = saved()

    def kill(header):
        raise KeyboardInterrupt

    monkeypatch.setattr("deployments.system.management.commands.restore.verify_restored_trail", kill)

    with pytest.raises(KeyboardInterrupt):
        call_command("restore", str(file), "--replace")
    worker.run()
    worker.sweep()

    assert state_of(operation) == "unknown"
    assert sandbox.journal("/pause") == []


def test_a_create_that_was_not_sent_is_not_taken_for_an_older_deployment_of_its_name(
    ana, fleet, saved, worker, sandbox, settings
):
    sandbox.change("night-shift", status="deleted")
    worker.sync()
    operation = operation_of(ana.create("night-shift"))
    file = saved()
    settings.OPERATION_CONFIRM_SECONDS = 0.5

    call_command("restore", str(file), "--replace")
    worker.drain()

    assert state_of(operation) == "needs_attention"
    assert sandbox.journal("/add") == []


@pytest.mark.parametrize("place", [0.3, 0.6, 0.9])
def test_a_back_up_with_one_wrong_byte_changes_nothing(place, ana, fleet, saved):
    file = saved()
    content = bytearray(file.read_bytes())
    content[int(len(content) * place)] ^= 0x10
    file.write_bytes(content)
    before = head_hash()

    with pytest.raises(CommandError, match=r"damaged|no back-up|unknown table"):
        call_command("restore", str(file), "--replace")

    assert head_hash() == before
    assert verify_trail().ok
