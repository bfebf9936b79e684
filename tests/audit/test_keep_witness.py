"""Signed heads are kept outside the database, and what contradicts the last one is found by itself."""

import json
import logging
import stat
import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import structlog
from django.core.management import CommandError, call_command
from django.utils.timezone import now

from portal.audit import keep_witness, tasks
from portal.audit.export_lines import head_line
from portal.audit.models import Head, SignedHead, Verification
from portal.audit.sign import sign_head, sign_when_due
from portal.audit.trail_keys import trail_keys
from portal.audit.verify import verify_trail
from portal.audit.witness import read_witnesses
from portal.logging import LEVELS, logging_config
from portal.queue.routes import READ, ROUTES
from tests.audit.test_damage import cut_the_end, empty_the_trail
from tests.audit.trail import tamper, write_events


@pytest.fixture
def witness(settings, tmp_path, db):
    """Return the file that keeps signed heads."""
    path = tmp_path / "elsewhere" / "heads.jsonl"
    settings.PORTAL_TRAIL_WITNESS = [str(path)]
    return path


@pytest.fixture
def kept(witness):
    """Return the file after the heads at entries 3 and 6 were kept."""
    for seconds in (0, 60):
        write_events(3)
        sign_head(now=now() + timedelta(seconds=seconds))
    return witness


def test_each_signed_head_is_a_line_that_only_we_may_read(kept):
    assert [json.loads(line)["head"] for line in kept.read_text().splitlines()] == [3, 6]
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    call_command("audit", "verify", "--against", str(kept))


def test_a_head_is_signed_within_a_minute_of_a_change(db):
    start = now()
    write_events(1)
    sign_when_due(now=start)
    write_events(1)

    assert sign_when_due(now=start + timedelta(seconds=44)) is None
    assert sign_when_due(now=start + timedelta(seconds=45)).sequence == 2  # the task runs every 15 s


ATTACKS = {
    "cut": lambda: cut_the_end(4),
    "emptied": empty_the_trail,
    "rewritten": lambda: tamper("UPDATE audit_event SET hash = 'x' WHERE sequence = 6"),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_contradicts_the_kept_heads_is_found_without_being_asked_and_nothing_is_signed(attack, kept):
    call_command("audit", "verify")
    ATTACKS[attack]()
    if attack != "emptied":
        write_events(1)
    lines = len(kept.read_text().splitlines())

    with structlog.testing.capture_logs() as logged:
        assert sign_when_due(now=now() + timedelta(minutes=5)) is None

    assert {one["event"] for one in logged} & {"trail_contradicts_its_witness", "trail_head_not_signed"}
    assert len(kept.read_text().splitlines()) == lines
    with pytest.raises(CommandError, match="broken"):
        call_command("audit", "verify")


def test_a_cut_that_nothing_in_the_database_shows_is_on_the_card(kept, make_clean=None):
    cut_the_end(3)
    assert verify_trail().ok  # the database is consistent in itself

    assert not keep_witness.check_last_statement(now=now())

    shown = Verification.objects.get()
    assert not shown.ok and "Entry 6 was signed" in shown.finding


def test_a_trail_that_grows_agrees(kept):
    write_events(2)

    assert keep_witness.check_last_statement(now=now())
    assert sign_head(now=now() + timedelta(minutes=5)).sequence == 8


@pytest.mark.parametrize("content", [b"", b"no json\n", b"\xff\xfe\n{}\n", b'{"head": 99}\n'])
def test_lines_that_are_none_of_ours_count_for_nothing(content, kept):
    with kept.open("ab") as file:
        file.write(content)

    assert keep_witness.check_last_statement(now=now())


def test_only_the_end_of_a_long_file_is_read(kept, monkeypatch):
    monkeypatch.setattr(keep_witness, "TAIL_BYTES", 500)
    kept.write_text("x" * 10_000 + "\n" + kept.read_text())

    assert [one.sequence for one in keep_witness.kept_statements()] == [6]


def test_a_file_that_cannot_be_written_stops_no_signature(settings, db):
    settings.PORTAL_TRAIL_WITNESS = ["/proc/none/heads.jsonl"]
    write_events(1)

    with structlog.testing.capture_logs() as logged:
        assert sign_head(now=now()).sequence == 1

    assert "trail_witness_not_kept" in [one["event"] for one in logged]


def test_after_a_restore_the_files_are_set_aside(kept):
    (aside,) = keep_witness.set_files_aside(now=now())

    assert not kept.exists() and aside.read_text().count("\n") == 2
    assert keep_witness.set_files_aside(now=now()) == []


# A server


@pytest.fixture
def server(monkeypatch):
    """Return a server that takes statements over http; the setting takes https only."""
    received = []

    class Handler(BaseHTTPRequestHandler):
        status = 204

        def do_POST(self):
            received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(self.status)
            self.send_header("Location", "/elsewhere")
            self.end_headers()

        def log_message(self, *_):
            pass

    running = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=running.serve_forever, daemon=True).start()
    running.received, running.handler = received, Handler
    running.url = f"http://127.0.0.1:{running.server_port}/heads"
    yield running
    running.shutdown()
    running.server_close()


def test_a_worker_that_may_leave_the_network_sends_each_signed_head_to_each_server(server, db, monkeypatch):
    published = []
    monkeypatch.setattr(keep_witness, "publish", lambda task, pk: published.append((task, str(pk))))
    monkeypatch.setattr(keep_witness, "witness_servers", lambda: [server.url, f"{server.url}2"])
    write_events(1)

    signed = sign_head(now=now())

    assert published == [("audit.send_statement", str(signed.pk))] and ROUTES["audit.send_statement"] == READ
    assert server.received == []

    tasks.send_signed_head(published[0][1])

    assert [one["head"] for one in server.received] == [1, 1]


def test_a_server_that_does_not_take_it_is_logged_without_its_token_and_keeps_no_other_from_it(
    server, db, monkeypatch
):
    gone = "http://127.0.0.1:9/heads?token=SECRET"
    monkeypatch.setattr(keep_witness, "witness_servers", lambda: [gone, server.url])
    write_events(1)
    signed = sign_head(now=now())

    with structlog.testing.capture_logs() as logged:
        keep_witness.send_statement(signed)

    assert [one["place"] for one in logged] == ["http://127.0.0.1:9/heads"]
    assert len(server.received) == 1


@pytest.mark.parametrize("status", [302, 307, 404, 500])
def test_a_server_that_does_not_take_it_is_an_error_and_no_redirect_is_followed(status, server, db):
    write_events(1)
    server.handler.status = status

    with pytest.raises(OSError):
        keep_witness.post_statement(server.url, head_line(sign_head(now=now())))

    assert len(server.received) == 1


# The log stream


@pytest.mark.parametrize("format", ["json", "console"])
@pytest.mark.parametrize("level", LEVELS)
def test_the_log_stream_has_the_statement_in_every_format_and_at_every_level(format, level, db, capfd):
    write_events(2)
    config = logging_config(format=format, level=level)
    logging.config.dictConfig(config)
    try:
        sign_head(now=now())
    finally:
        from django.conf import settings

        logging.config.dictConfig(settings.LOGGING)

    lines = capfd.readouterr().err.splitlines()
    assert [one.sequence for one in read_witnesses(lines, public_keys=trail_keys())] == [2]
    prefixed = [f"worker-tick-1  | {line}" for line in lines]
    assert len(list(read_witnesses(prefixed, public_keys=trail_keys()))) == 1
    assert SignedHead.objects.count() == Head.objects.count() == 1
