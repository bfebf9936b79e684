"""Write a back-up: one consistent state of the database, without the vault key. The portal may run."""

import gzip
import json
import os
import sqlite3
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from django.db import connection, transaction
from django.db.migrations.recorder import MigrationRecorder

from portal import __version__
from portal.audit.models import Head

FORMAT = 1
LEFT_OUT = (  # tables that stay empty: nobody may be signed in by a copy of a back-up
    "django_session",
    "usersessions_usersession",
    "portal_cache",
)
BLOCK_BYTES = 1 << 20


class BackupError(Exception):
    """A back-up cannot be written or restored, with the reason as a sentence for a person."""


def write_backup(target: IO[bytes], *, now: datetime) -> dict[str, Any]:
    r"""Write a back-up to a binary stream and return its header.

    The stream is gzip. Its first line is the header, in JSON. For SQLite the database file follows; for
    PostgreSQL each table in the text format of COPY, between a JSON line with its name and columns and a
    line `\.`.
    """
    with gzip.GzipFile(fileobj=target, mode="wb", compresslevel=6) as out:
        if connection.vendor == "sqlite":
            return backup_sqlite(out, now=now)
        return backup_postgresql(out, now=now)


def backup_header(head: dict[str, Any] | None, *, now: datetime) -> dict[str, Any]:
    """Return the header of a back-up. `head` is the head of its audit trail, None for an empty trail."""
    return {
        "portal_backup": FORMAT,
        "vendor": connection.vendor,
        "version": __version__,
        "made_at": now.isoformat(),
        "migrations": applied_migrations(),
        "head": head,
    }


def trail_head() -> dict[str, Any] | None:
    """Return the head of the audit trail as it is in a header, None for an empty trail."""
    head = Head.objects.filter(pk=1).values("sequence", "hash").first()
    return dict(head) if head else None


def applied_migrations() -> list[str]:
    """Return the names of the migrations of this database, sorted, as `app.name`."""
    return sorted(".".join(key) for key in MigrationRecorder(connection).applied_migrations())


def backup_sqlite(out: gzip.GzipFile, *, now: datetime) -> dict[str, Any]:
    """Write header and file of SQLite and return the header.

    SQLite's backup API copies the database to a file beside it, which is then written.
    """
    connection.ensure_connection()
    with tempfile.TemporaryDirectory(dir=database_folder()) as folder:
        path = Path(folder) / "copy.sqlite3"
        head = copy_sqlite(path)
        header = backup_header(head, now=now)
        out.write(json.dumps(header).encode() + b"\n")
        with path.open("rb") as file:
            while block := file.read(BLOCK_BYTES):
                out.write(block)
    return header


def database_folder() -> Path:
    """Return the folder of SQLite's file: a copy in it needs no space on another disk."""
    return Path(str(connection.settings_dict["NAME"])).parent


def copy_sqlite(path: Path) -> dict[str, Any] | None:
    """Copy the database to `path`, empty what is left out, and return the head of the copied trail."""
    with sqlite3.connect(path) as copy:
        connection.connection.backup(copy)
        for table in LEFT_OUT:
            copy.execute(f"DELETE FROM {table}")  # noqa: S608 - our own names
    head = copy.execute("SELECT sequence, hash FROM audit_head WHERE id = 1").fetchone()
    copy.execute("VACUUM")  # SQLite keeps deleted rows in free pages
    copy.close()
    return {"sequence": head[0], "hash": head[1]} if head else None


def backup_postgresql(out: gzip.GzipFile, *, now: datetime) -> dict[str, Any]:
    """Write header and all tables, as one transaction sees them, and return the header."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        cursor.execute(
            "SET LOCAL idle_in_transaction_session_timeout = 0"
        )  # the reader of a pipe may be slow
        header = backup_header(trail_head(), now=now)
        out.write(json.dumps(header).encode() + b"\n")
        for table in backed_up_tables():
            description = connection.introspection.get_table_description(cursor, table)
            columns = [column.name for column in description]
            out.write(json.dumps({"table": table, "columns": columns}).encode() + b"\n")
            with cursor.cursor.copy(f"COPY {quoted_columns(table, columns)} TO STDOUT") as blocks:
                for block in blocks:
                    out.write(bytes(block))
            out.write(b"\\.\n")
        out.write(b'{"end": true}\n')
    return header


def backed_up_tables() -> list[str]:
    """Return the names of the tables in a back-up, sorted."""
    tables = connection.introspection.django_table_names(only_existing=True, include_views=False)
    return sorted(set(tables) - set(LEFT_OUT))


def quoted_columns(table: str, columns: list[str]) -> str:
    """Return `"table" ("column", ...)`, as COPY expects it."""
    quote = connection.ops.quote_name
    return f"{quote(table)} ({', '.join(map(quote, columns))})"


def write_backup_file(path: Path, *, now: datetime) -> dict[str, Any]:
    """Write a back-up to a new file that only its owner can read, and return its header.

    The file appears under its name when it is complete. Raises BackupError if it exists or cannot be written.
    """
    if path.exists():
        raise BackupError(f"{path} exists already.")
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as target:
            header = write_backup(target, now=now)
        draft.rename(path)
    except OSError as error:
        raise BackupError(f"{path} cannot be written: {error.strerror}.") from None
    finally:
        draft.unlink(missing_ok=True)
    return header


def vault_notice() -> Iterator[str]:
    """Yield two sentences: the back-up needs the vault key, and how to keep that."""
    yield "The vault key is not in it: without it the API keys cannot be opened."
    yield "Once, write it to another place with manage.py secrets export FILE, and keep that file."
