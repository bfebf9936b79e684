"""Each check of truth and thrift can fail: it finds what it looks for, and nothing where all is well."""

import random
from types import SimpleNamespace

import pytest

from tests.faults.truth import (
    find_holes,
    find_told_too_often,
    find_too_many_calls,
    find_unconfirmed_refusals,
    find_untold,
)
from tests.faults.watch import FACTS, Watch

AT, SOON, LATER = (f"2026-01-01T10:00:{second}.000000Z" for second in ("10", "12", "30"))
PAUSED = {"endpoint": "pause", "deployment_id": "d1", "deployment_name": "line-3", "time": AT}
MADE = {**PAUSED, "endpoint": "create"}
OURS = {**PAUSED, "endpoint": "/pause"}
TOLD = {"deployment_id": "d1", "action": "deployment.pause.outside"}
TOLD_MADE = {**TOLD, "action": "deployment.create.outside"}
TOLD_GONE = {**TOLD, "action": "deployment.gone.outside"}
READY = {"deployment_id": "d1", "after": "ready", "observed_at": "2026-01-01 10:00:00.000000"}
ASKED = {
    "kind": "pause",
    "state": "succeeded",
    "target_id": "d1",
    "target_name": "line-3",
    "requested_at": "2026-01-01 10:00:09.000000",
    "ended_at": "2026-01-01 10:00:11.000000",
}
EARLIER = {
    **ASKED,
    "requested_at": "2026-01-01 09:59:00.000000",
    "ended_at": "2026-01-01 09:59:20.000000",
}
NOT_KNOWN = {**EARLIER, "state": "needs_attention"}
STOPPED = {"action": "key.stopped", "object_name": "Ana …-ana"}
REFUSED = {"endpoint": "/", "status": 401, "by": "ana"}
READ = {"endpoint": "/list", "status": 200, "by": "ana"}


def journal(outside=(), entries=()):
    return {"outside": list(outside), "entries": list(entries)}


@pytest.mark.parametrize(
    "found",
    [
        find_told_too_often(journal([PAUSED]), [TOLD]),
        find_told_too_often(journal([PAUSED]), []),
        find_told_too_often(journal(), [TOLD_GONE]),  # /add answered, and nothing was created
        find_untold(journal([PAUSED]), [TOLD], [], [READY]),
        find_untold(journal([MADE]), [TOLD_MADE], [], []),
        find_untold(journal([PAUSED]), [], [], [{**READY, "after": "paused"}]),  # it changed nothing
        find_untold(journal([PAUSED, {**PAUSED, "endpoint": "resume", "time": SOON}]), [], [], [READY]),
        find_untold(journal([PAUSED]), [], [ASKED], [READY]),  # we wanted the same
        find_untold(journal([PAUSED]), [], [NOT_KNOWN], [READY]),  # it may be the late effect of ours
        find_unconfirmed_refusals([STOPPED], [REFUSED]),
        find_unconfirmed_refusals([{**STOPPED, "action": "key.works"}], []),
        find_too_many_calls([READ] * 50, 30),
        find_too_many_calls([{**READ, "status": 429}] * 3, 30),
    ],
)
def test_what_is_true_is_not_called_broken(found):
    assert found == []


@pytest.mark.parametrize(
    "found",
    [
        find_told_too_often(journal(entries=[OURS]), [TOLD]),
        find_told_too_often(journal([PAUSED]), [TOLD, TOLD]),
        find_told_too_often(journal([PAUSED]), [{**TOLD, "action": "deployment.resume.outside"}]),
        find_told_too_often(journal(entries=[OURS]), [TOLD_GONE]),
        find_told_too_often(journal(), [TOLD_GONE], ["d1"]),
        find_told_too_often(journal(), [{**TOLD, "action": "deployment.change.outside"}]),
        find_untold(journal([PAUSED]), [], [], [READY]),
        find_untold(journal([PAUSED]), [], [EARLIER], [READY]),
        find_untold(journal([PAUSED]), [], [{**NOT_KNOWN, "kind": "delete"}], [READY]),
        find_untold(journal([MADE]), [TOLD], [], []),
        find_untold(journal([PAUSED], [{**OURS, "time": LATER}]), [], [], [READY]),
        find_unconfirmed_refusals([STOPPED], [{**REFUSED, "by": "ben"}]),
        find_unconfirmed_refusals([STOPPED], [{**REFUSED, "endpoint": "/list"}]),
        find_unconfirmed_refusals([{**STOPPED, "action": "key.refused"}], [{**REFUSED, "status": 200}]),
        find_too_many_calls([READ] * 500, 30),
        find_too_many_calls([{**READ, "status": 429}] * 21, 30),
    ],
)
def test_what_is_untrue_is_found(found):
    assert len(found) == 1


class LoggingPortal:
    """A portal that has read the log of one deployment, and stored some of its two lines."""

    def __init__(self, *stored):
        self.stored = stored

    def reported(self):
        return {"d1": ("line-3", "ready")}

    def rows(self, sql):
        if "insert_id" in sql:
            return [{"insert_id": one} for one in self.stored]
        return [{"start": "2026-01-01 09:00:00", "end": "2026-01-01 10:00:00"}]

    def ask_roboflow(self, path, **span):
        return [{"insert_id": "a"}, {"insert_id": "b"}]


@pytest.mark.parametrize(("stored", "count"), [("ab", 0), ("a", 1), ("", 2), ("abc", 1), ("abb", 1)], ids=str)
def test_a_hole_a_strange_line_and_a_double_in_the_log_store_are_found(stored, count):
    assert len(find_holes(LoggingPortal(*stored), "d1")) == count


def test_a_value_that_was_known_and_is_blank_is_found():
    row = dict.fromkeys(FACTS, "known") | {"deployment_id": "d1"}
    rows = [row]
    running = SimpleNamespace(
        changeable=lambda: rows,
        last_call=lambda: 0,
        rows=lambda sql: [{"last": 0}] if "max(" in sql else rows,
    )
    watch = Watch(running, random.Random(1), stays_ready=True, is_log_open=False)
    assert watch.find_blanked() == []

    rows[0] = row | {"domain": "", "min_replicas": None}

    assert len(watch.find_blanked()) == 2
