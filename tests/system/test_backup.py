"""Back-up and restore: the same trail, keys that open, nobody signed in, nothing sent again blindly."""

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
    """Make a back-up file of now; restoring gives up what came later."""

    def save():
        call_command("backup", str(tmp_path / "portal.backup"))
        return tmp_path / "portal.backup"

    return save


def test_a_restored_portal_has_the_same_head_people_and_keys(ana, fleet, saved, capsys):
    file = saved()
    head = Head.objects.get(pk=1).hash
    make_person("Later")

    call_command("restore", str(file), "--replace")

    said = capsys.readouterr()
    assert Head.objects.get(pk=1).hash == head and verify_trail().ok and "trail is intact" in said.out
    assert list(User.objects.values_list("email", flat=True)) == ["ana@example.com"]
    key = ApiKey.objects.get()
    assert {
        one.deployment_name
        for one in call_with_key(
            key, lambda client, secret: client.list_deployments(secret), now=now()
        ).deployments
    } >= {"pallet-counter"}
    assert "vault key is not in it" in said.err
    assert file.stat().st_mode & 0o077 == 0


def test_new_rows_come_after_the_restored_ones(ana, fleet, saved):
    call_command("restore", str(saved()), "--replace")

    assert make_person("Later").user.pk != ana.user.pk
    with pytest.raises(Exception, match="only grows"), connection.cursor() as cursor:
        cursor.execute("DELETE FROM audit_event")


def test_nobody_is_signed_in_by_a_back_up(ana, saved):
    session = ana.client.session.session_key

    content = gzip.decompress(saved().read_bytes())

    assert session.encode() not in content and b"sandbox-key-ana" not in content


def test_what_was_open_is_asked_for_and_not_sent_again(ana, fleet, saved, worker, sandbox, settings):
    operation = operation_of(ana.ask(fleet["pallet-counter"], "pause"))
    file = saved()
    worker.drain()  # it happens after the back-up was made
    assert len(sandbox.journal("/pause")) == 1

    call_command("restore", str(file), "--replace")
    assert Operation.objects.get(pk=operation.pk).state == "unknown"
    worker.drain()

    assert Operation.objects.get(pk=operation.pk).state == "succeeded"
    assert len(sandbox.journal("/pause")) == 1 and verify_trail().ok


def test_a_create_that_was_open_is_never_sent_again(ana, fleet, saved, worker, sandbox, settings):
    operation = operation_of(ana.create("later-one"))
    file = saved()
    settings.OPERATION_CONFIRM_SECONDS = 0.5

    call_command("restore", str(file), "--replace")
    worker.drain()

    assert Operation.objects.get(pk=operation.pk).state == "needs_attention" and sandbox.journal("/add") == []


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no back-up"),
        (b"hello", "damaged"),
        (gzip.compress(b"{}\n"), "no back-up"),
        (gzip.compress(b'{"portal_backup": 9}\n'), "format 9"),
    ],
    ids=[
        "nothing",
        "no gzip",
        "no header",
        "other format",
    ],  # gzip writes the time into its bytes: two workers would disagree about the names
)
def test_what_is_no_back_up_is_refused_in_a_sentence(content, words, ana, tmp_path):
    (tmp_path / "file").write_bytes(content)

    with pytest.raises(CommandError, match=words):
        call_command("restore", str(tmp_path / "file"), "--replace")


def test_a_back_up_cut_short_changes_nothing(ana, fleet, saved):
    file = saved()
    file.write_bytes(file.read_bytes()[: file.stat().st_size * 2 // 3])
    before = Head.objects.get(pk=1).hash

    with pytest.raises(CommandError, match="damaged"):
        call_command("restore", str(file), "--replace")

    assert Head.objects.get(pk=1).hash == before and verify_trail().ok and User.objects.count() == 1


def test_people_are_not_overwritten_unasked(ana, saved):
    with pytest.raises(CommandError, match="--replace"):
        call_command("restore", str(saved()))


def test_it_goes_through_a_pipe(ana):
    stream = io.BytesIO()

    about = write_backup(stream, now=now())

    assert about["head"]["hash"] == Head.objects.get(pk=1).hash and gzip.decompress(
        stream.getvalue()
    ).startswith(b'{"portal_backup": 1')


def test_a_kill_right_after_the_restore_sends_nothing_again_either(
    ana, fleet, saved, worker, sandbox, monkeypatch
):
    operation = operation_of(ana.ask(fleet["pallet-counter"], "pause"))
    file = saved()
    monkeypatch.setattr(
        "deployments.system.management.commands.restore.verify_restored_trail",
        lambda about: (_ for _ in ()).throw(KeyboardInterrupt),
    )

    with pytest.raises(KeyboardInterrupt):
        call_command("restore", str(file), "--replace")
    worker.run()
    worker.sweep()

    assert Operation.objects.get(pk=operation.pk).state == "unknown" and sandbox.journal("/pause") == []


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

    assert Operation.objects.get(pk=operation.pk).state == "needs_attention" and sandbox.journal("/add") == []


@pytest.mark.parametrize("place", [0.3, 0.6, 0.9])
def test_a_back_up_with_one_wrong_byte_changes_nothing(place, ana, fleet, saved):
    file = saved()
    content = bytearray(file.read_bytes())
    content[int(len(content) * place)] ^= 0x10
    file.write_bytes(content)
    before = Head.objects.get(pk=1).hash

    with pytest.raises(CommandError, match=r"damaged|no back-up|unknown table"):
        call_command("restore", str(file), "--replace")

    assert Head.objects.get(pk=1).hash == before and verify_trail().ok
