"""The two databases of a portal under test: how to read them beside the portal, and how to break them."""

import os
import resource
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import dict_row

from tests.portal_process import children_of
from tests.servers import Postgresql

Heal = Callable[[], None]  # ends a fault
ERRORS = (sqlite3.Error, psycopg.Error)  # of a database that is struck
DROP_CONNECTIONS = """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE pid <> pg_backend_pid() AND datname = 'postgres'"""


class Sqlite:
    """The SQLite file in the portal's home."""

    name = "sqlite"
    environment: dict[str, str] = {}

    def __init__(self, home: Path) -> None:
        self.file = home / "portal.sqlite3"

    def rows(self, sql: str) -> list[dict[str, Any]]:
        """Return the rows of a read-only query."""
        database = sqlite3.connect(f"file:{self.file}?mode=ro", uri=True, timeout=20)
        database.row_factory = sqlite3.Row
        try:
            return [dict(row) for row in database.execute(sql)]
        finally:
            database.close()

    def folders(self) -> list[Path]:
        """Return the folders of its files beside the portal's home: there are none."""
        return []

    def busy(self) -> Heal:
        """Hold the only write lock, until the returned function is called."""
        database = sqlite3.connect(self.file, timeout=20, isolation_level=None, check_same_thread=False)
        database.execute("BEGIN IMMEDIATE")
        return database.close  # which rolls back

    def stop(self) -> None:
        """Do nothing: there is no server."""


class Postgres:
    """A PostgreSQL server that only this portal uses."""

    name = "postgresql"

    def __init__(self, home: Path) -> None:
        self.server = Postgresql(durable=True)
        self.environment = {"DATABASE_URL": self.server.url}

    def connect(self) -> psycopg.Connection[dict[str, Any]]:
        """Return a connection beside those of the portal."""
        return psycopg.connect(
            host=str(self.server.data),
            user="postgres",
            dbname="postgres",
            row_factory=dict_row,
            connect_timeout=5,
            autocommit=True,
        )

    def rows(self, sql: str) -> list[dict[str, Any]]:
        """Return the rows of a query, with values as SQLite returns them."""
        with self.connect() as database:
            rows = database.execute(sql.encode())
            return [{name: sqlite_value(value) for name, value in row.items()} for row in rows]

    def folders(self) -> list[Path]:
        """Return the folders of its files."""
        return [self.server.data / "data"]

    def dropped(self) -> None:
        """End every connection of the portal."""
        with self.connect() as database:
            database.execute(DROP_CONNECTIONS)

    def busy(self) -> Heal:
        """Lock the operations against writes, until the returned function is called."""
        database = self.connect()
        database.autocommit = False
        database.execute("LOCK TABLE ledger_operation IN EXCLUSIVE MODE")
        return database.close  # which rolls back

    def killed(self) -> Heal:
        """Kill the whole server. The returned function starts it again."""
        self.signal(signal.SIGKILL)
        return self.restart

    def stopped(self) -> Heal:
        """Stop the whole server with SIGSTOP, until the returned function is called."""
        self.signal(signal.SIGSTOP)
        return lambda: self.signal(signal.SIGCONT)

    def full(self) -> Heal:
        """Keep the server from writing, as a full disk does. It panics, tries to recover and may give up.

        The returned function ends the limit and starts the server again if it gave up.
        """
        self.limit_file_size("0")

        def heal() -> None:
            self.limit_file_size("unlimited")
            if not wait_for(self.is_answering, seconds=5):
                self.signal(signal.SIGKILL)
                self.restart()

        return heal

    def restart(self) -> None:
        """Start the killed server again."""
        self.server.process.wait(timeout=10)
        self.server.start()

    def processes(self) -> list[int]:
        """Return the ids of the server's processes. Each leads a process group of its own."""
        return [self.server.process.pid, *children_of(self.server.process.pid)]

    def signal(self, number: int) -> None:
        """Send a signal to every process of the server."""
        for pid in self.processes():
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def limit_file_size(self, size: str) -> None:
        """Limit the size of files that the server may write.

        prlimit runs as the server's user: root without capabilities may not change limits of other users.
        """
        for pid in self.processes():
            command = ["prlimit", f"--pid={pid}", f"--fsize={size}:"]
            subprocess.run(command, check=False, **self.server.more)  # type: ignore[call-overload]

    def is_answering(self) -> bool:
        """Say whether the server answers a query."""
        try:
            return bool(self.rows("SELECT 1"))
        except psycopg.Error:
            return False

    def stop(self) -> None:
        """Stop the server."""
        self.server.stop()


def sqlite_value(value: Any) -> Any:
    """Return a value of PostgreSQL as SQLite stores it: ids and times are text."""
    if isinstance(value, UUID):
        return value.hex
    return value.isoformat() if isinstance(value, datetime) else value


def full(pids: list[int]) -> Heal:
    """Keep these processes from writing to any file, as a full disk does, until the result is called."""
    before = {pid: limit for pid in pids if (limit := limit_file_size(pid, 0)) is not None}

    def heal() -> None:
        for pid, limit in before.items():
            limit_file_size(pid, limit)

    return heal


def limit_file_size(pid: int, size: int) -> int | None:
    """Limit the size of files that a process may write. Return the limit before, None when it has ended."""
    try:
        soft, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, hard))
    except ProcessLookupError:
        return None
    return soft


def wait_for(condition: Callable[[], bool], *, seconds: float) -> bool:
    """Wait until the condition holds, at most `seconds`; say whether it does."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.01)
    return False
