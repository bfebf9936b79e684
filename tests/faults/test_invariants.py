"""The checks of the campaign can fail: each finds what it is there to find."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.faults.invariants import (
    leaked,
    never_two_creates,
    no_tales,
    nothing_after_its_end,
    shapes_of,
    told_once_each,
    true_endings,
    written_before_sent,
)

OP = {
    "id": "ab-1",
    "kind": "pause",
    "target_name": "line-3",
    "target_id": "d1",
    "state": "succeeded",
    "requested_at": "2026-01-01 10:00:00.000000",
}
MADE = {**OP, "kind": "create", "target_id": ""}
ENTRY = {
    "endpoint": "/pause",
    "deployment_name": "line-3",
    "deployment_id": "d1",
    "time": "2026-01-01T10:00:01.000000Z",
}
ADD = {**ENTRY, "endpoint": "/add"}
EVENTS = [
    {"operation_id": "ab-1", "action": f"deployment.pause.{word}"} for word in ("requested", "succeeded")
]


class Field:
    """A Roboflow where nothing changed outside."""

    def sandbox(self, method, place):
        return {"outside": [], "entries": []}

    def rows(self, sql):
        return [{"action": "deployment.pause.outside", "object_name": "line-3", "deployment_id": "d1"}]


@pytest.mark.parametrize("shape", sorted(shapes_of(["sandbox-key-ben"])))
def test_a_key_in_any_file_is_found_in_any_shape(shape, tmp_path):
    field = field_of_files(tmp_path)
    assert leaked(field) == []

    (tmp_path / "data" / "16384").write_bytes(b"\0\x07 before " + shape + b" after")

    assert leaked(field) == [f"I8: a key stands in {tmp_path / 'data' / '16384'}"]


def test_a_file_that_goes_away_before_it_is_read_disturbs_nobody(tmp_path, monkeypatch):
    field = field_of_files(tmp_path)
    for name in ("pg_internal.init", "16385"):
        (tmp_path / "data" / name).write_bytes(b"sandbox-key-ana")
    read = Path.read_bytes

    def away(path):
        if path.name == "pg_internal.init":
            path.unlink()
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", away)

    assert leaked(field) == [f"I8: a key stands in {tmp_path / 'data' / '16385'}"]


def field_of_files(place):
    """A portal that wrote nothing yet."""
    for folder in ("home", "data"):
        (place / folder).mkdir()
    (place / "home.out").write_bytes(b"The portal is ready.")
    return SimpleNamespace(
        portal=SimpleNamespace(home=place / "home", out=place / "home.out"),
        database=SimpleNamespace(folders=lambda: [place / "data"]),
    )


def test_what_is_well_is_not_called_broken():
    assert (
        never_two_creates([ADD], [MADE])
        == written_before_sent([ENTRY], [OP])
        == told_once_each([OP], EVENTS)
        == true_endings([ENTRY], [OP], Field())
        == []
    )
    assert nothing_after_its_end([ENTRY], [{**OP, "ended_at": "2026-01-01 10:00:05.000000"}]) == []


@pytest.mark.parametrize(
    "found",
    [
        never_two_creates([ADD, ADD], [MADE]),
        written_before_sent([{**ENTRY, "time": "2026-01-01T09:59:59.000000Z"}], [OP]),
        written_before_sent([{**ENTRY, "deployment_id": "d2"}], [OP]),
        written_before_sent([ENTRY], []),
        told_once_each([{**OP, "state": "unknown"}], EVENTS),
        told_once_each([OP], EVENTS[:1]),
        told_once_each([OP], [*EVENTS, EVENTS[0]]),
        told_once_each([OP], [*EVENTS, {"operation_id": "ab-1", "action": "deployment.pause.failed"}]),
        told_once_each([{**OP, "state": "failed"}], EVENTS),
        true_endings([], [OP], Field()),
        true_endings([ENTRY], [{**OP, "state": "failed"}], Field()),
        nothing_after_its_end(
            [{**ENTRY, "time": "2026-01-01T10:00:09.000000Z"}],
            [{**OP, "ended_at": "2026-01-01 10:00:05.000000"}],
        ),
        no_tales(Field()),
    ],
)
def test_what_is_broken_is_found(found):
    assert len(found) == 1
