"""Restore a back-up into this portal's database, verify its trail, and reconcile what was open in it."""

import gzip
import json
import sqlite3
import tempfile
import zlib
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from django.core.management import call_command
from django.core.management.color import no_style
from django.db import DataError, IntegrityError, ProgrammingError, connection, transaction
from django.db.backends.utils import CursorWrapper
from django.db.migrations.recorder import MigrationRecorder

from deployments.ledger.models import Operation
from deployments.ledger.transitions import mark_restored
from deployments.system.backup import (
    BLOCK_BYTES,
    FORMAT,
    LEFT_OUT,
    BackupError,
    applied_migrations,
    backed_up_tables,
    database_folder,
    quoted_columns,
    trail_head,
)
from portal.accounts.models import User
from portal.audit import triggers
from portal.audit.verify import Finding, verify_trail

# An operation that was not sent when the back-up was made may have been sent later. The transaction that
# restores it also marks it as lost in the middle of its call: a kill right afterwards cannot send it twice.
MARK_AS_SENT = """UPDATE ledger_operation
    SET state = 'sending',
        claimed_at = COALESCE(claimed_at, requested_at),
        sent_at = COALESCE(sent_at, requested_at),
        lease_until = requested_at
    WHERE state IN ('queued', 'sending')"""
SESSIONS = [table for table in LEFT_OUT if "session" in table]
DAMAGE = (  # what reading a damaged back-up raises
    EOFError,
    gzip.BadGzipFile,
    zlib.error,
    OSError,
    ValueError,
    DataError,
    IntegrityError,
    ProgrammingError,
)


def restore_backup(source: IO[bytes], *, replace: bool) -> dict[str, Any]:
    """Replace the whole content of the database by that of a back-up, or change nothing. Return its header.

    An empty database gets its tables first: on a new machine the portal was never started. Raises BackupError
    if it does not fit or is damaged, and if this portal has people but not `replace`.
    """
    try:
        with gzip.GzipFile(fileobj=source, mode="rb") as data:
            header = read_header(data)
            create_missing_tables()
            check_header(header, replace=replace)
            if connection.vendor == "sqlite":
                restore_sqlite(data)
            else:
                restore_postgresql(data)
    except DAMAGE as error:
        raise BackupError(f"The back-up is damaged: {error}. Nothing was changed.") from None
    return header


def read_header(data: gzip.GzipFile) -> dict[str, Any]:
    """Read the header of a back-up. Raises BackupError if there is none, or one of another format."""
    try:
        header: dict[str, Any] = json.loads(data.readline(BLOCK_BYTES))
        version = header["portal_backup"]
    except (ValueError, KeyError, TypeError):
        raise BackupError("This is no back-up of the portal.") from None
    if version != FORMAT:
        raise BackupError(f"This back-up has format {version}; this version reads format {FORMAT}.")
    return header


def create_missing_tables() -> None:
    """Create the tables in a database that has none."""
    if not MigrationRecorder(connection).has_table():
        call_command("migrate", verbosity=0)


def check_header(header: dict[str, Any], *, replace: bool) -> None:
    """Raise BackupError if the back-up does not fit into this portal, or would replace people."""
    vendor, version = header["vendor"], header["version"]
    if vendor != connection.vendor:
        raise BackupError(f"The back-up is of {vendor}; this portal uses {connection.vendor}.")
    if User.objects.exists() and not replace:
        raise BackupError("This portal has people already. Use --replace to give up all that it holds.")
    if header["migrations"] != applied_migrations():
        raise BackupError(
            f"The back-up was made by version {version} with other tables: "
            "restore it with that version, then upgrade."
        )


def restore_sqlite(data: gzip.GzipFile) -> None:
    """Copy the file in the back-up over the database, as one change: SQLite's backup API does both."""
    connection.ensure_connection()
    with tempfile.TemporaryDirectory(dir=database_folder()) as folder:
        path = Path(folder) / "copy.sqlite3"
        with path.open("wb") as file:
            while block := data.read(BLOCK_BYTES):
                file.write(block)
        copy = sqlite3.connect(path)
        try:
            if copy.execute("PRAGMA integrity_check").fetchone()[0] != "ok":
                raise BackupError("The back-up is damaged. Nothing was changed.")
            copy.execute(MARK_AS_SENT)
            copy.commit()
            copy.backup(connection.connection)
        except sqlite3.DatabaseError as error:
            raise BackupError(f"The back-up is damaged: {error}. Nothing was changed.") from None
        finally:
            copy.close()


def restore_postgresql(data: gzip.GzipFile) -> None:
    """Empty all tables and fill them, in one transaction. Foreign keys are checked at its end."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SET LOCAL idle_in_transaction_session_timeout = 0"
        )  # the writer of a pipe may be slow
        triggers.drop_triggers(connection)
        emptied = map(connection.ops.quote_name, [*backed_up_tables(), *SESSIONS])
        cursor.execute(f"TRUNCATE {', '.join(emptied)} CASCADE")
        while not (line := read_line(data)).get("end"):
            fill_table(cursor, data, table=line["table"], columns=line["columns"])
        if data.read(1):  # gzip compares its checksum when it is read to the end
            raise EOFError("it does not end where it should")
        cursor.execute(MARK_AS_SENT)
        reset_sequences(cursor)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # triggers cannot be created while checks are pending
        triggers.create_triggers(connection)


def read_line(data: gzip.GzipFile) -> dict[str, Any]:
    """Read the JSON line before a table, or {"end": true} after the last. Raises EOFError for neither."""
    line: dict[str, Any] = json.loads(data.readline(BLOCK_BYTES) or b"{}")
    if not line.get("end") and not {"table", "columns"} <= set(line):
        raise EOFError("it ends too early")
    return line


def fill_table(cursor: CursorWrapper, data: gzip.GzipFile, *, table: str, columns: list[str]) -> None:
    """Copy the rows that follow into a table. Raises BackupError for an unknown table, EOFError if cut."""
    if table not in backed_up_tables():
        raise BackupError(f"The back-up holds the unknown table {table}.")
    command = f"COPY {quoted_columns(table, columns)} FROM STDIN"
    with connection.wrap_database_errors, cursor.cursor.copy(command) as rows:
        while (line := data.readline()) != b"\\.\n":
            if not line:
                raise EOFError("it ends too early")
            rows.write(line)


def reset_sequences(cursor: CursorWrapper) -> None:
    """Let new rows get ids after those that were restored."""
    models = list(connection.introspection.installed_models(backed_up_tables()))
    for sql in connection.ops.sequence_reset_sql(no_style(), models):
        cursor.execute(sql)


def verify_restored_trail(header: dict[str, Any]) -> Finding:
    """Verify the restored audit trail: the whole chain, and that its head is the one in the header."""
    finding = verify_trail()
    if finding.ok and trail_head() != header["head"]:
        return Finding(False, finding.entries, "The head of the trail is not the one that the back-up names.")
    return finding


def reconcile_open_operations(*, now: datetime) -> int:
    """Mark the operations that were open and not yet accepted as *unknown*, and return how many there were.

    Workers then read at Roboflow what became of them, and of the accepted ones, before anything is sent.
    """
    operations = Operation.objects.open().select_related("workspace")
    return sum(mark_restored(operation, now=now) for operation in operations)
