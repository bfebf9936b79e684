"""The journal: a record of every change that was made, for tests to compare with what the portal shows.

An entry's side is `api` (a call of Roboflow's API) or `outside` (a change by the control address).
"""

import sqlite3
from typing import Any

TABLE = """
create table if not exists journal (
    sequence integer primary key,
    side text not null,
    time text not null,
    endpoint text not null,
    workspace text not null,
    deployment_name text not null,
    deployment_id text not null,
    by text not null,
    status integer not null
)"""
# Only successful calls change something, so the status is always 200.
INSERT = """
insert into journal (side, time, endpoint, workspace, deployment_name, deployment_id, by, status)
values (?, ?, ?, ?, ?, ?, ?, 200)
"""
SELECT = """
select sequence, time, endpoint, workspace, deployment_name, deployment_id, by, status
from journal where side = ? order by sequence
"""
COLUMNS = ("sequence", "time", "endpoint", "workspace", "deployment_name", "deployment_id", "by", "status")


def append_entry(
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
    """Append one entry within the caller's transaction.

    `time` is ISO 8601 in UTC. `by` is the nick of the API key: the key itself must not appear in the journal.
    """
    database.execute(INSERT, (side, time, endpoint, workspace, name, deployment_id, by))


def read_entries(database: sqlite3.Connection, *, side: str) -> list[dict[str, Any]]:
    """Return all entries of one side, oldest first."""
    rows = database.execute(SELECT, (side,))
    return [dict(zip(COLUMNS, row, strict=True)) for row in rows]
