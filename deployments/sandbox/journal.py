"""The record of every change that was really made, for tests to compare with what the portal believes."""

import sqlite3
import threading
from collections import Counter
from typing import Any

TABLE = """
create table if not exists journal (
    sequence integer primary key, side text not null, time text not null, endpoint text not null, workspace text not null,
    deployment_name text not null, deployment_id text not null, by text not null, status integer not null
)"""
COLUMNS = ("sequence", "time", "endpoint", "workspace", "deployment_name", "deployment_id", "by", "status")
READ = """
select sequence, time, endpoint, workspace, deployment_name, deployment_id, by, status from journal where side = ? order by sequence
"""


def note(
    database: sqlite3.Connection,
    *,
    side: str,
    time: str,
    endpoint: str,
    workspace: str,
    name: str,
    deployment_id: str,
    by: str,
) -> None:
    """Write one line inside the caller's transaction. `by` is a key's nick, never the key. Sides: `api`, `outside`."""
    database.execute(
        "insert into journal (side, time, endpoint, workspace, deployment_name, deployment_id, by, status) values (?,?,?,?,?,?,?,200)",
        (side, time, endpoint, workspace, name, deployment_id, by),
    )


def entries(database: sqlite3.Connection, *, side: str) -> list[dict[str, Any]]:
    """All lines of one side, oldest first."""
    found = database.execute(READ, (side,))
    return [dict(zip(COLUMNS, row, strict=True)) for row in found]


class Calls:
    """How often each endpoint was called, whatever came of it. In memory: a restart begins at none."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def count(self, path: str) -> None:
        with self._lock:
            self._counts[path] += 1

    def clear(self) -> None:
        with self._lock:
            self._counts.clear()

    def as_dict(self) -> dict[str, int]:
        with self._lock:
            return dict(self._counts)
