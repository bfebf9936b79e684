"""Where allauth counts how often somebody did something: Django's cache in the database, which here says so when it cannot be written."""

from typing import Any

from django.core.cache.backends.base import DEFAULT_TIMEOUT
from django.core.cache.backends.db import DatabaseCache
from django.db import connections, router
from django.utils.timezone import now


class Counters(DatabaseCache):
    """Django's says "not stored" for a disk that is full and for a lock that somebody else holds: a limit would take the first for "too often", which is a lie."""

    def add(
        self, key: str, value: Any, timeout: float | None = DEFAULT_TIMEOUT, version: int | None = None
    ) -> bool:
        """Store what is not there yet; False when it is. Raises DatabaseError when the database takes no writes."""
        stored: bool = super().add(key, value, timeout, version)
        if not stored and not self.has_key(key, version):
            self.must_take_writes()
        return stored

    def set(
        self, key: str, value: Any, timeout: float | None = DEFAULT_TIMEOUT, version: int | None = None
    ) -> None:
        """Store. Raises DatabaseError when the database takes no writes."""
        if not self._base_set("set", self.make_and_validate_key(key, version=version), value, timeout):  # type: ignore[attr-defined]
            self.must_take_writes()

    def must_take_writes(self) -> None:
        """Write a row, and let the error come out that Django's cache kept to itself."""
        database = connections[router.db_for_write(self.cache_model_class)]
        table = database.ops.quote_name(self._table)  # type: ignore[attr-defined]
        moment = database.ops.adapt_datetimefield_value(now().replace(microsecond=0))
        with database.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO {table} (cache_key, value, expires) VALUES ('probe', '', %s) ON CONFLICT (cache_key) DO UPDATE SET expires = excluded.expires",  # noqa: S608 - the table's name is a setting
                [moment],
            )
