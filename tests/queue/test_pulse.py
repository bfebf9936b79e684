"""The heartbeat of a process survives a restart of the database, and says when it cannot be written."""

import pytest
from django.db import InterfaceError, OperationalError, connection
from structlog.testing import capture_logs

from portal.queue import pulse
from portal.queue.pulse import Pulse


@pytest.fixture
def written(monkeypatch, settings, tmp_path):
    """Let heartbeats be kept in a list. `failures` are raised in place of the next ones."""
    settings.PULSE_FOLDER = str(tmp_path / "pulse")
    kept, failures, closed = [], [], []

    def record(part, host):
        if failures:
            raise failures.pop(0)
        kept.append(part)

    monkeypatch.setattr(pulse.heartbeat_writers, "record", record)
    monkeypatch.setattr(pulse.clock, "measure_offset", lambda: None)
    monkeypatch.setattr(connection, "close", lambda: closed.append(True))
    return kept, failures, closed


def test_a_heartbeat_keeps_its_connection_and_marks_its_file(written, tmp_path):
    kept, _, closed = written

    Pulse("worker-act").write()
    Pulse("worker-act").write()

    assert kept == ["worker-act", "worker-act"]
    assert closed == []
    assert (tmp_path / "pulse" / "worker-act").exists()


@pytest.mark.parametrize("failure", [OperationalError("server closed"), InterfaceError("is closed")])
def test_after_a_restart_of_the_database_the_same_heartbeat_is_written_over_a_new_connection(
    failure, written
):
    kept, failures, closed = written
    failures.append(failure)

    Pulse("worker-act").write()

    assert (kept, closed) == (["worker-act"], [True])


def test_while_the_database_is_away_it_says_so_and_the_next_heartbeat_is_tried(written, tmp_path):
    kept, failures, _ = written
    failures += [OperationalError("away"), OperationalError("away")]

    with capture_logs() as log:
        Pulse("worker-act").write()
    is_marked = (tmp_path / "pulse" / "worker-act").exists()
    Pulse("worker-act").write()

    assert not is_marked and kept == ["worker-act"]
    assert [(one["event"], one["error"]) for one in log] == [("heartbeat_not_written", "OperationalError")]
