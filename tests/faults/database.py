"""The two databases of a campaign: how to read them from outside, and what can strike them."""

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

Heal = Callable[[], None]


class Sqlite:
    """The file beside the portal."""

    name = "sqlite"
    environment: dict[str, str] = {}

    def __init__(self, home: Path) -> None:
        self.file = home / "portal.sqlite3"

    def rows(self, sql: str) -> list[dict[str, Any]]:
        database = sqlite3.connect(f"file:{self.file}?mode=ro", uri=True, timeout=20)
        database.row_factory = sqlite3.Row
        try:
            return [dict(row) for row in database.execute(sql)]
        finally:
            database.close()

    def folders(self) -> list[Path]:
        return []  # its files are in the portal's home

    def busy(self) -> Heal:
        """Somebody else holds the one right to write."""
        database = sqlite3.connect(self.file, timeout=20, isolation_level=None, check_same_thread=False)
        database.execute("BEGIN IMMEDIATE")
        return database.close  # which rolls back

    def stop(self) -> None:
        pass


class Postgres:
    """A server of its own."""

    name = "postgresql"

    def __init__(self, home: Path) -> None:
        self.server = Postgresql(durable=True)
        self.environment = {"DATABASE_URL": self.server.url}

    def connect(self) -> psycopg.Connection[dict[str, Any]]:
        return psycopg.connect(
            host=str(self.server.data),
            user="postgres",
            dbname="postgres",
            row_factory=dict_row,
            connect_timeout=5,
            autocommit=True,
        )

    def rows(self, sql: str) -> list[dict[str, Any]]:
        with self.connect() as database:
            return [
                {name: plain(value) for name, value in row.items()} for row in database.execute(sql.encode())
            ]

    def folders(self) -> list[Path]:
        return [self.server.data / "data"]

    def dropped(self) -> None:
        """Every connection of the portal ends."""
        with self.connect() as database:
            database.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = 'postgres'"
            )

    def busy(self) -> Heal:
        """Somebody else holds the operations: they can be read, not written."""
        database = self.connect()
        database.autocommit = False
        database.execute("LOCK TABLE ledger_operation IN EXCLUSIVE MODE")
        return database.close  # which rolls back

    def killed(self) -> Heal:
        """The whole server dies; it is started again, and recovers."""
        self.signal(signal.SIGKILL)
        return self.revive

    def stopped(self) -> Heal:
        """The whole server is silent."""
        self.signal(signal.SIGSTOP)
        return lambda: self.signal(signal.SIGCONT)

    def full(self) -> Heal:
        """As a full disk: the server cannot write a byte. It panics, tries to recover, and may give up: then somebody makes room and starts it again."""
        self.limit("0")

        def heal() -> None:
            self.limit("unlimited")
            if not wait_for(self.answers, seconds=5):
                self.signal(signal.SIGKILL)
                self.revive()

        return heal

    def revive(self) -> None:
        self.server.process.wait(timeout=10)
        self.server.start()

    def processes(self) -> list[int]:
        """The server's first process, which starts new ones, and those that it started: each leads a group of its own."""
        return [self.server.process.pid, *children_of(self.server.process.pid)]

    def signal(self, number: int) -> None:
        for pid in self.processes():
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def limit(self, size: str) -> None:
        """Limit how large files the server may write. Its own user asks: even root may not, where it runs without capabilities."""
        for pid in self.processes():
            subprocess.run(["prlimit", f"--pid={pid}", f"--fsize={size}:"], check=False, **self.server.more)  # type: ignore[call-overload]

    def answers(self) -> bool:
        try:
            return bool(self.rows("SELECT 1"))
        except psycopg.Error:
            return False

    def stop(self) -> None:
        self.server.stop()


def plain(value: Any) -> Any:
    """As SQLite would tell it."""
    if isinstance(value, UUID):
        return value.hex
    return value.isoformat() if isinstance(value, datetime) else value


def full(pids: list[int]) -> Heal:
    """As a full disk: these processes cannot write to any file."""
    before = {pid: limit for pid in pids if (limit := limited(pid, 0))}

    def heal() -> None:
        for pid, limit in before.items():
            limited(pid, limit[0])

    return heal


def limited(pid: int, size: int) -> tuple[int, int] | None:
    """Limit how large files a process may write; the limit before, None when the process is gone."""
    try:
        soft, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, hard))
    except ProcessLookupError:
        return None
    return soft, hard


def wait_for(condition: Callable[[], bool], *, seconds: float) -> bool:
    """Wait a little; say whether it came true."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.01)
    return False
