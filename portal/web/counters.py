"""Django's database cache, for allauth's rate limits. It raises an error when a write fails."""

import sys
from typing import Any

from django.core.cache.backends.base import DEFAULT_TIMEOUT
from django.core.cache.backends.db import DatabaseCache
from django.db import connections, router

from portal.clock import now


class Counters(DatabaseCache):
    """A database cache that reports failed writes and keeps every counter until its time is over.

    Django's cache removes a third of the rows when there are more than 300, whatever they count: with many
    addresses of their own, a stranger could free one that is locked.

    Django's cache returns the same answer when the disk is full as when another process holds a lock. A rate
    limit would then tell the person that they are too fast, which is not true.
    """

    def __init__(self, table: str, params: dict[str, Any]) -> None:
        super().__init__(table, params | {"max_entries": sys.maxsize})

    def delete_expired(self) -> None:
        """Delete the counters whose time is over. Nobody else does."""
        database = connections[router.db_for_write(self.cache_model_class)]
        table = database.ops.quote_name(self.cache_model_class._meta.db_table)
        with database.cursor() as cursor:
            cursor.execute(
                f"DELETE FROM {table} WHERE expires < %s",  # noqa: S608 - a setting, not input
                [database.ops.adapt_datetimefield_value(now().replace(microsecond=0))],
            )

    def add(
        self, key: str, value: Any, timeout: float | None = DEFAULT_TIMEOUT, version: int | None = None
    ) -> bool:
        """Store `value` unless `key` exists; return whether it was stored.

        Raises DatabaseError when the database cannot be written.
        """
        is_stored: bool = super().add(key, value, timeout, version)
        if not is_stored and not self.has_key(key, version):
            self.require_writable()
        return is_stored

    def set(
        self, key: str, value: Any, timeout: float | None = DEFAULT_TIMEOUT, version: int | None = None
    ) -> None:
        """Store `value`. Raises DatabaseError when the database cannot be written.

        Django's set() hides the error and returns nothing, so the value is read back.
        """
        super().set(key, value, timeout, version)
        if self.get(key, version=version) != value:
            self.require_writable()

    def require_writable(self) -> None:
        """Write a row to the cache table, without hiding the error. Raises DatabaseError."""
        database = connections[router.db_for_write(self.cache_model_class)]
        # The table's name is a setting (CACHES), not input.
        table = database.ops.quote_name(self.cache_model_class._meta.db_table)
        expires = database.ops.adapt_datetimefield_value(now().replace(microsecond=0))
        with database.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO {table} (cache_key, value, expires) VALUES ('probe', '', %s) "  # noqa: S608
                "ON CONFLICT (cache_key) DO UPDATE SET expires = excluded.expires",
                [expires],
            )
