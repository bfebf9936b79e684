"""Triggers that refuse to update or delete events, in both databases."""

from typing import Any

TABLE = "audit_event"
WORDS = "The trail only grows: events are neither changed nor removed."
SQLITE = {
    "create": [
        f"CREATE TRIGGER IF NOT EXISTS {TABLE}_no_{verb} BEFORE {verb.upper()} ON {TABLE} BEGIN SELECT RAISE(ABORT, '{WORDS}'); END"
        for verb in ("update", "delete")
    ]
    # INSERT OR REPLACE removes the old row without asking the trigger on delete.
    + [
        f"CREATE TRIGGER IF NOT EXISTS {TABLE}_no_replace BEFORE INSERT ON {TABLE} "  # noqa: S608 - our own words
        f"WHEN NEW.sequence IN (SELECT sequence FROM {TABLE}) BEGIN SELECT RAISE(ABORT, '{WORDS}'); END"
    ],
    "drop": [f"DROP TRIGGER IF EXISTS {TABLE}_no_{verb}" for verb in ("update", "delete", "replace")],
}
POSTGRESQL = {
    "create": [
        f"CREATE OR REPLACE FUNCTION {TABLE}_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '{WORDS}'; END $$",
        f"CREATE OR REPLACE TRIGGER {TABLE}_no_change BEFORE UPDATE OR DELETE ON {TABLE} FOR EACH ROW EXECUTE FUNCTION {TABLE}_refuse()",
        f"CREATE OR REPLACE TRIGGER {TABLE}_no_truncate BEFORE TRUNCATE ON {TABLE} FOR EACH STATEMENT EXECUTE FUNCTION {TABLE}_refuse()",
    ],
    "drop": [f"DROP TRIGGER IF EXISTS {TABLE}_{name} ON {TABLE}" for name in ("no_change", "no_truncate")],
}


def create(connection: Any) -> None:
    """Set the triggers; harmless when they stand."""
    run(connection, "create")


def drop(connection: Any) -> None:
    """Take the triggers away: for migrations backwards and for tests that empty the tables."""
    run(connection, "drop")


def run(connection: Any, what: str) -> None:
    """Execute the statements of this database."""
    statements = POSTGRESQL if connection.vendor == "postgresql" else SQLITE
    with connection.cursor() as cursor:
        for statement in statements[what]:
            cursor.execute(statement)
