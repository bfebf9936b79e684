"""Each check of the campaign can fail: it finds what it is there to find, and nothing where all is well."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.faults.invariants import (
    find_calls_after_the_end,
    find_calls_without_operation,
    find_invented_changes,
    find_keys,
    find_second_creates,
    find_wrong_endings,
    find_wrong_events,
)
from tests.faults.key_shapes import shapes_of

OPERATION = {
    "id": "ab-1",
    "kind": "pause",
    "target_name": "line-3",
    "target_id": "d1",
    "state": "succeeded",
    "requested_at": "2026-01-01 10:00:00.000000",
    "ended_at": "2026-01-01 10:00:05.000000",
}
CREATE = {**OPERATION, "kind": "create", "target_id": ""}
ENTRY = {
    "endpoint": "/pause",
    "deployment_name": "line-3",
    "deployment_id": "d1",
    "time": "2026-01-01T10:00:01.000000Z",
}
ADD = {**ENTRY, "endpoint": "/add"}
EARLY = {**ENTRY, "time": "2026-01-01T09:59:59.000000Z"}
LATE = {**ENTRY, "time": "2026-01-01T10:00:09.000000Z"}
EVENTS = [
    {"operation_id": "ab-1", "action": f"deployment.pause.{ending}"} for ending in ("requested", "succeeded")
]
FAILED_EVENT = {"operation_id": "ab-1", "action": "deployment.pause.failed"}


class QuietPortal:
    """A portal whose Roboflow was not changed from outside, and one event of the trail."""

    def __init__(self, action="deployment.pause.outside", *, created=(), listed=()):
        self.action, self.created, self.listed = action, created, listed

    def sandbox(self, method, place):
        return {"outside": [], "entries": [{"deployment_id": one} for one in self.created]}

    def reported(self):
        return dict.fromkeys(self.listed, ("line-3", "ready"))

    def rows(self, sql):
        return [{"action": self.action, "object_name": "line-3", "deployment_id": "d1"}]


@pytest.fixture
def portal_files(tmp_path):
    """A portal that has written nothing but one line of output."""
    for folder in ("home", "data"):
        (tmp_path / folder).mkdir()
    (tmp_path / "home.out").write_bytes(b"The portal is ready.")
    return SimpleNamespace(
        process=SimpleNamespace(home=tmp_path / "home", out=tmp_path / "home.out"),
        database=SimpleNamespace(folders=lambda: [tmp_path / "data"]),
        rows=lambda sql: [],
        data=tmp_path / "data",
    )


@pytest.mark.parametrize("shape", sorted(shapes_of(["sandbox-key-ben"])))
def test_a_key_in_any_file_is_found_in_any_shape(shape, portal_files):
    assert find_keys(portal_files) == []

    (portal_files.data / "16384").write_bytes(b"\0\x07 before " + shape + b" after")

    assert find_keys(portal_files) == [f"I8: a key is in {portal_files.data / '16384'}"]


def test_a_key_in_a_table_is_found_though_no_file_shows_it(portal_files):
    portal_files.rows = lambda sql: [{"payload": "key sandbox-key-ana"}] if "logs_line" in sql else []

    assert find_keys(portal_files) == ["I8: a key is in logs_line"]


def test_a_file_that_is_removed_before_it_is_read_is_left_out(portal_files, monkeypatch):
    for name in ("pg_internal.init", "16385"):
        (portal_files.data / name).write_bytes(b"sandbox-key-ana")
    read_bytes = Path.read_bytes

    def remove_first(path):
        if path.name == "pg_internal.init":
            path.unlink()
        return read_bytes(path)

    monkeypatch.setattr(Path, "read_bytes", remove_first)

    assert find_keys(portal_files) == [f"I8: a key is in {portal_files.data / '16385'}"]


@pytest.mark.parametrize(
    "found",
    [
        find_second_creates([ADD], [CREATE]),
        find_calls_without_operation([ENTRY], [OPERATION]),
        find_wrong_events([OPERATION], EVENTS),
        find_wrong_endings([ENTRY], [OPERATION], QuietPortal()),
        find_calls_after_the_end([ENTRY], [OPERATION]),
        find_calls_after_the_end([LATE], [{**OPERATION, "state": "needs_attention"}]),
        find_invented_changes(QuietPortal("deployment.gone.outside")),
    ],
)
def test_what_is_well_is_not_called_broken(found):
    assert found == []


@pytest.mark.parametrize(
    "found",
    [
        find_second_creates([ADD, ADD], [CREATE]),
        find_calls_without_operation([EARLY], [OPERATION]),
        find_calls_without_operation([{**ENTRY, "deployment_id": "d2"}], [OPERATION]),
        find_calls_without_operation([ENTRY], []),
        find_wrong_events([{**OPERATION, "state": "unknown"}], EVENTS),
        find_wrong_events([OPERATION], EVENTS[:1]),
        find_wrong_events([OPERATION], [*EVENTS, EVENTS[0]]),
        find_wrong_events([OPERATION], [*EVENTS, FAILED_EVENT]),
        find_wrong_events([{**OPERATION, "state": "failed"}], EVENTS),
        find_wrong_endings([], [OPERATION], QuietPortal()),
        find_wrong_endings([ENTRY], [{**OPERATION, "state": "failed"}], QuietPortal()),
        find_wrong_endings([ENTRY], [{**OPERATION, "state": "cancelled"}], QuietPortal()),
        find_calls_after_the_end([LATE], [OPERATION]),
        find_invented_changes(QuietPortal()),
        find_invented_changes(QuietPortal("deployment.gone.outside", created=["d1"])),
        find_invented_changes(QuietPortal("deployment.gone.outside", listed=["d1"])),
    ],
)
def test_what_is_broken_is_found(found):
    assert len(found) == 1
