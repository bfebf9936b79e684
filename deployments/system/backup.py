"""Writes a back-up: one consistent state of the database, while the portal runs. The vault key is not in it."""

import gzip
import json
import os
import sqlite3
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.db import connection, transaction
from django.db.migrations.recorder import MigrationRecorder

from portal import __version__
from portal.audit.models import Head

FORMAT = 1
LEFT_OUT = (
    "django_session",
    "usersessions_usersession",
    "portal_cache",
)  # whoever finds a back-up must not be signed in by it
CHUNK = 1 << 20


class BackupError(Exception):
    """A back-up or restore that cannot be done, in a sentence for a person."""


def write_backup(target: IO[bytes], *, now: datetime) -> dict[str, Any]:
    """Write the back-up to a binary stream and return its header. Raises NotPossible.

    A gzip stream: a line of JSON that describes it, then SQLite's own file, or PostgreSQL's tables in COPY text, each begun by a line with its name
    and columns and ended by `\\.`
    """
    with gzip.GzipFile(fileobj=target, mode="wb", compresslevel=6) as out:
        if connection.vendor == "sqlite":
            return backup_sqlite(out, now=now)
        return backup_postgresql(out, now=now)


def backup_header(head: dict[str, Any] | None, *, now: datetime) -> dict[str, Any]:
    """Describe a back-up whose trail has this head."""
    return {
        "portal_backup": FORMAT,
        "vendor": connection.vendor,
        "version": __version__,
        "made_at": now.isoformat(),
        "migrations": applied_migrations(),
        "head": head,
    }


def trail_head() -> dict[str, Any] | None:
    """Return the head of the trail as a back-up names it."""
    head = Head.objects.filter(pk=1).values("sequence", "hash").first()
    return dict(head) if head else None


def applied_migrations() -> list[str]:
    """Return the migrations that this database has seen."""
    return sorted(".".join(one) for one in MigrationRecorder(connection).applied_migrations())


def backup_sqlite(out: gzip.GzipFile, *, now: datetime) -> dict[str, Any]:
    """Copy by SQLite's backup API into a file beside the database, and write that."""
    connection.ensure_connection()
    with tempfile.TemporaryDirectory(dir=Path(str(connection.settings_dict["NAME"])).parent) as folder:
        copy = Path(folder) / "copy.sqlite3"
        with sqlite3.connect(copy) as database:
            connection.connection.backup(database)
            for table in LEFT_OUT:
                database.execute(f"DELETE FROM {table}")  # noqa: S608 - our own names
        head = database.execute("SELECT sequence, hash FROM audit_head WHERE id = 1").fetchone()
        database.execute("VACUUM")  # what was deleted must not stand in free pages
        database.close()
        about = backup_header({"sequence": head[0], "hash": head[1]} if head else None, now=now)
        out.write(json.dumps(about).encode() + b"\n")
        with copy.open("rb") as file:
            while block := file.read(CHUNK):
                out.write(block)
    return about


def backup_postgresql(out: gzip.GzipFile, *, now: datetime) -> dict[str, Any]:
    """Copy all tables as one transaction sees them."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")  # the pipe may be slow
        about = backup_header(trail_head(), now=now)
        out.write(json.dumps(about).encode() + b"\n")
        for table in backed_up_tables():
            columns = [one.name for one in connection.introspection.get_table_description(cursor, table)]
            out.write(json.dumps({"table": table, "columns": columns}).encode() + b"\n")
            with cursor.cursor.copy(f"COPY {quoted_columns(table, columns)} TO STDOUT") as rows:
                for block in rows:
                    out.write(bytes(block))
            out.write(b"\\.\n")
        out.write(b'{"end": true}\n')
    return about


def backed_up_tables() -> list[str]:
    """Return the tables that a back-up holds."""
    return sorted(
        set(connection.introspection.django_table_names(only_existing=True, include_views=False))
        - set(LEFT_OUT)
    )


def quoted_columns(table: str, columns: list[str]) -> str:
    """Return a table and its columns as COPY wants them."""
    quote = connection.ops.quote_name
    return f"{quote(table)} ({', '.join(map(quote, columns))})"


def write_backup_file(path: Path, *, now: datetime) -> dict[str, Any]:
    """Write a back-up file that only its owner reads; it appears whole or not at all. Raises NotPossible."""
    if path.exists():
        raise BackupError(f"{path} is there already.")
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as target:
            about = write_backup(target, now=now)
        draft.rename(path)
    except OSError as error:
        raise BackupError(f"{path} cannot be written: {error.strerror}.") from None
    finally:
        draft.unlink(missing_ok=True)
    return about


def vault_notice() -> Iterator[str]:
    """Say where the vault key is: a back-up is worth little without it."""
    kept = settings.SECRETS_FOLDER / "portal_vault_keys"
    yield "The vault key is not in it: without it the API keys cannot be opened."
    yield (
        f"It is kept in {kept}: copy that elsewhere, apart from the back-up."
        if kept.exists()
        else "It is what PORTAL_VAULT_KEYS gives: keep it apart from the back-up."
    )
