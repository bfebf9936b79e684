"""How long a request waits for a lock of the database that somebody else holds.

SQLite has one writer at a time, for the whole file; PostgreSQL locks rows and tables. A back-up or a person
at a prompt can hold such a lock for minutes. A click waits at most CLICK_SECONDS in all. What a page only
notes in passing is given up at once, so that the page is answered from what is stored.
"""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import structlog
from django.db import OperationalError, connection, transaction
from django.db.backends.signals import connection_created
from django.http import HttpRequest, HttpResponse

log = structlog.get_logger(__name__)
CLICK_SECONDS = 5.0
SMALL_SECONDS = 0.1  # longer than another request writes, short enough not to be noticed
NOTICED_SECONDS = 0.05  # what takes less did not wait
SQLITE_BUSY, SQLITE_LOCKED = 5, 6  # the lower byte of SQLite's error codes
LOCK_TIMED_OUT, DEADLOCK = "55P03", "40P01"  # PostgreSQL's
LOCKING = re.compile(r"\s*(BEGIN|INSERT|UPDATE|DELETE|LOCK|SELECT\b.*\bFOR (NO KEY )?UPDATE\b)", re.DOTALL)


def is_busy(error: BaseException | None) -> bool:
    """Return whether a database error says that somebody else holds a lock."""
    cause = error.__cause__ if isinstance(error, OperationalError) else None
    if getattr(cause, "sqlstate", None) in (LOCK_TIMED_OUT, DEADLOCK):
        return True
    return (getattr(cause, "sqlite_errorcode", None) or 0) & 0xFF in (SQLITE_BUSY, SQLITE_LOCKED)


def set_lock_wait(seconds: float) -> None:
    """Let the statements of this thread's connection wait at most `seconds` for a lock."""
    if connection.needs_rollback:  # no statement is accepted; the rollback restores the value from before
        return
    milliseconds = max(1, int(seconds * 1000))  # 0 would mean: without a limit
    is_sqlite = connection.vendor == "sqlite"
    with connection.cursor() as cursor:
        cursor.execute(
            f"PRAGMA busy_timeout = {milliseconds}" if is_sqlite else f"SET lock_timeout = {milliseconds}"
        )


class Patience:
    """The seconds that a request may still wait for locks. Installed as a wrapper of its statements.

    One limit for each statement is not enough: a request with three writes would wait three times.
    """

    def __init__(self) -> None:
        self.left = CLICK_SECONDS
        self.left_for_small = SMALL_SECONDS
        self.told: float | None = None  # the limit that the connection has; None: not known
        if connection.vendor == "postgresql":
            self.told = CLICK_SECONDS  # since the connection was made

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        """Execute a statement. One that takes a lock waits no longer than what is left."""
        if not LOCKING.match(sql):
            return execute(sql, params, many, context)
        if self.told != self.left:
            set_lock_wait(self.left)
            self.told = self.left
        started = time.monotonic()
        try:
            return execute(sql, params, many, context)
        finally:
            waited = time.monotonic() - started
            if waited > NOTICED_SECONDS:
                self.left = max(0.0, self.left - waited)

    @contextmanager
    def for_small_write(self) -> Iterator[None]:
        """Wait less within this context. After one small write was given up, the next do not wait."""
        left, self.left = self.left, min(self.left, self.left_for_small)
        try:
            yield
        finally:
            self.left_for_small, self.left = self.left, left

    def end(self) -> None:
        """Restore the limit for the connection's next request."""
        if self.told not in (None, CLICK_SECONDS):
            set_lock_wait(CLICK_SECONDS)


current_patience: ContextVar[Patience | None] = ContextVar("current_patience", default=None)


@contextmanager
def limited_patience() -> Iterator[Patience]:
    """Limit how long the statements within this context wait for locks, in all."""
    patience = Patience()
    token = current_patience.set(patience)
    try:
        with connection.execute_wrapper(patience):
            yield patience
    finally:
        current_patience.reset(token)
        patience.end()


def write_if_free(write: Callable[[], object]) -> bool:
    """Call `write` in a transaction, unless somebody else holds the database. Return whether it was written.

    For what a page notes in passing, and what the next page or poll notes again.
    """
    patience = current_patience.get()
    if patience is None:
        with limited_patience():
            return write_if_free(write)
    try:
        with patience.for_small_write(), transaction.atomic():
            write()
    except OperationalError as error:
        if not is_busy(error):
            raise
        log.info("database_busy", given_up=getattr(write, "__qualname__", ""))
        return False
    return True


class PatienceMiddleware:
    """Limits how long a request waits for locks. portal.web.errors answers when the time is over."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        connection_created.connect(limit_new_connection, dispatch_uid="portal.web.patience")

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Return the response."""
        with limited_patience():
            return self.get_response(request)


def limit_new_connection(**_: Any) -> None:
    """Make a new connection of a web process wait at most CLICK_SECONDS, also after a rollback."""
    set_lock_wait(CLICK_SECONDS)
