"""Triggers that refuse to update or delete events and signed heads, in both databases."""

import re
from typing import Any

TABLES = {"audit_event": "sequence", "audit_signedhead": "id"}  # table to its primary key
MESSAGE = "The trail only grows: events are neither changed nor removed."
SQLITE = {
    "create": [
        f"CREATE TRIGGER IF NOT EXISTS {table}_no_{verb} BEFORE {verb.upper()} ON {table} "
        f"BEGIN SELECT RAISE(ABORT, '{MESSAGE}'); END"
        for table in TABLES
        for verb in ("update", "delete")
    ]
    # INSERT OR REPLACE removes the old row without running the trigger on delete.
    + [
        f"CREATE TRIGGER IF NOT EXISTS {table}_no_replace BEFORE INSERT ON {table} "  # noqa: S608 - constants
        f"WHEN NEW.{key} IN (SELECT {key} FROM {table}) BEGIN SELECT RAISE(ABORT, '{MESSAGE}'); END"
        for table, key in TABLES.items()
    ],
    "drop": [
        f"DROP TRIGGER IF EXISTS {table}_no_{verb}"
        for table in TABLES
        for verb in ("update", "delete", "replace")
    ],
}
POSTGRESQL = {
    "create": [
        "CREATE OR REPLACE FUNCTION audit_event_refuse() RETURNS trigger LANGUAGE plpgsql "
        f"AS $$ BEGIN RAISE EXCEPTION '{MESSAGE}'; END $$",
        *(
            f"CREATE OR REPLACE TRIGGER {table}_no_{name} BEFORE {verbs} ON {table} "
            f"FOR EACH {each} EXECUTE FUNCTION audit_event_refuse()"
            for table in TABLES
            for name, verbs, each in (
                ("change", "UPDATE OR DELETE", "ROW"),
                ("truncate", "TRUNCATE", "STATEMENT"),
            )
        ),
    ],
    "drop": [
        f"DROP TRIGGER IF EXISTS {table}_{name} ON {table}"
        for table in TABLES
        for name in ("no_change", "no_truncate")
    ],
}


def create_triggers(connection: Any) -> None:
    """Create the triggers; those that exist already are kept or replaced by the same."""
    run_statements(connection, "create")


def drop_triggers(connection: Any) -> None:
    """Drop the triggers: for backward migrations, and for tests that empty the tables."""
    run_statements(connection, "drop")


def missing_triggers(connection: Any) -> list[str]:
    """Return the names of the triggers that the database should have and has not, or has switched off."""
    statements = (POSTGRESQL if connection.vendor == "postgresql" else SQLITE)["create"]
    found = (re.search(r"TRIGGER (?:IF NOT EXISTS )?(\w+) ", one) for one in statements)
    wanted = sorted(one[1] for one in found if one)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgname FROM pg_trigger WHERE tgenabled <> 'D'"
            if connection.vendor == "postgresql"
            else "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        )
        existing = {name for (name,) in cursor.fetchall()}
    return [name for name in wanted if name not in existing]


def run_statements(connection: Any, name: str) -> None:
    """Execute the statements under `name` ("create" or "drop") for the database of `connection`."""
    statements = POSTGRESQL if connection.vendor == "postgresql" else SQLITE
    with connection.cursor() as cursor:
        for statement in statements[name]:
            cursor.execute(statement)
