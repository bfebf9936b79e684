"""Reads a back-up into this portal's database, verifies its trail, and has Roboflow asked about what was open then."""

import gzip
import json
import sqlite3
import tempfile
import zlib
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from django.core.management.color import no_style
from django.db import DataError, IntegrityError, ProgrammingError, connection, transaction

from deployments.ledger.models import Operation
from deployments.ledger.transitions import mark_restored
from deployments.system.backup import (
    CHUNK,
    FORMAT,
    BackupError,
    applied_migrations,
    backed_up_tables,
    quoted_columns,
    trail_head,
)
from portal.accounts.models import User
from portal.audit import triggers
from portal.audit.verify import Finding, verify_trail

# What was not sent when the back-up was made may have been sent since. In the very transaction that brings it back it is marked as lost in the
# middle of its call, so that even a kill right afterwards leaves nothing that would be sent again blindly.
SET_ASIDE = """UPDATE ledger_operation SET state = 'sending', claimed_at = COALESCE(claimed_at, requested_at),
    sent_at = COALESCE(sent_at, requested_at), lease_until = requested_at WHERE state IN ('queued', 'sending')"""


def restore_backup(source: IO[bytes], *, replace: bool) -> dict[str, Any]:
    """Put the state of a back-up in the place of what is here; all of it or nothing. Return its header. Raises NotPossible."""
    try:
        with gzip.GzipFile(fileobj=source, mode="rb") as data:
            about = read_header(data)
            check_header(about, replace=replace)
            if connection.vendor == "sqlite":
                restore_sqlite(data)
            else:
                restore_postgresql(data)
    except (
        EOFError,
        gzip.BadGzipFile,
        zlib.error,
        OSError,
        ValueError,
        DataError,
        IntegrityError,
        ProgrammingError,
    ) as error:
        raise BackupError(f"The back-up is damaged: {error}. Nothing was changed.") from None
    return about


def read_header(data: gzip.GzipFile) -> dict[str, Any]:
    """Read what the back-up says of itself. Raises NotPossible."""
    try:
        about: dict[str, Any] = json.loads(data.readline(CHUNK))
        if about["portal_backup"] != FORMAT:
            raise BackupError(
                f"This back-up has format {about['portal_backup']}; this version reads {FORMAT}."
            )
    except (ValueError, KeyError, TypeError):
        raise BackupError("This is no back-up of the portal.") from None
    return about


def check_header(about: dict[str, Any], *, replace: bool) -> None:
    """See that it fits into this portal. Raises NotPossible."""
    if about["vendor"] != connection.vendor:
        raise BackupError(f"The back-up is of {about['vendor']}; this portal uses {connection.vendor}.")
    if User.objects.exists() and not replace:
        raise BackupError(
            "There are people in this portal already. With --replace all that it holds is given up."
        )
    if about["migrations"] != applied_migrations():
        raise BackupError(
            f"The back-up was made by version {about['version']} with other tables: restore it with that version, then upgrade."
        )


def restore_sqlite(data: gzip.GzipFile) -> None:
    """Write the whole file over the database by SQLite's backup API: readers see the old state or the new one."""
    connection.ensure_connection()
    with tempfile.TemporaryDirectory(dir=Path(str(connection.settings_dict["NAME"])).parent) as folder:
        copy = Path(folder) / "copy.sqlite3"
        with copy.open("wb") as file:
            while block := data.read(CHUNK):
                file.write(block)
        database = sqlite3.connect(copy)
        try:
            if database.execute("PRAGMA integrity_check").fetchone()[0] != "ok":
                raise BackupError("The back-up is damaged. Nothing was changed.")
            database.execute(SET_ASIDE)
            database.commit()
            database.backup(connection.connection)
        except sqlite3.DatabaseError as error:
            raise BackupError(f"The back-up is damaged: {error}. Nothing was changed.") from None
        finally:
            database.close()


def restore_postgresql(data: gzip.GzipFile) -> None:
    """Empty all tables and fill them, in one transaction; foreign keys are checked at its end."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")  # the pipe may be slow
        triggers.drop_triggers(connection)
        names = ", ".join(
            map(
                connection.ops.quote_name, [*backed_up_tables(), "django_session", "usersessions_usersession"]
            )
        )
        cursor.execute(f"TRUNCATE {names} CASCADE")
        while not (about := json.loads(data.readline(CHUNK) or b'{"cut": true}')).get("end"):
            if "table" not in about:
                raise EOFError("it ends too early")
            if about["table"] not in backed_up_tables():
                raise BackupError(f"The back-up holds the unknown table {about['table']}.")
            with (
                connection.wrap_database_errors,
                cursor.cursor.copy(
                    f"COPY {quoted_columns(about['table'], about['columns'])} FROM STDIN"
                ) as rows,
            ):
                while (line := data.readline()) != b"\\.\n":
                    if not line:
                        raise EOFError("it ends too early")
                    rows.write(line)
        if data.read(1):  # reading to the end is what makes gzip compare its sum
            raise EOFError("it does not end where it should")
        cursor.execute(SET_ASIDE)
        for sql in connection.ops.sequence_reset_sql(
            no_style(), list(connection.introspection.installed_models(backed_up_tables()))
        ):
            cursor.execute(sql)
        cursor.execute(
            "SET CONSTRAINTS ALL IMMEDIATE"
        )  # pending checks would keep the triggers from being set
        triggers.create_triggers(connection)


def verify_restored_trail(about: dict[str, Any]) -> Finding:
    """Verify what was restored: the whole chain, and the head that the back-up named."""
    finding = verify_trail()
    if finding.ok and trail_head() != about["head"]:
        return Finding(False, finding.entries, "The head of the trail is not the one that the back-up names.")
    return finding


def reconcile_open_operations(*, now: datetime) -> int:
    """Have Roboflow asked about all that was open when the back-up was made; nothing is sent again blindly. Return how many."""
    return sum(
        mark_restored(operation, now=now)
        for operation in Operation.objects.open().select_related("workspace")
    )
