"""Insert, update and delete many rows: the first two with one prepared statement.

Django's bulk_create and bulk_update build one large statement instead, which takes ten times as long as the
database needs to run it.
"""

import json
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from types import NoneType
from typing import Any

from django.db import connection, models, transaction
from django.db.models.expressions import RawSQL

DELETED_AT_ONCE, DELETED_IN_A_RUN = 500, 20_000
PLAIN = {str, int, float, bool, NoneType}  # types that each driver takes as they are


def insert_rows(model: type[models.Model], rows: Sequence[Any]) -> None:
    """Insert rows of a model, without those that break a constraint.

    `rows` are named tuples with a value for each field but the primary key, by its name in the database.
    """
    if not rows:
        return
    fields = [model._meta.get_field(name) for name in rows[0]._fields]
    columns: list[Any] = [
        driver_values(field, values) for field, values in zip(fields, zip(*rows, strict=True), strict=True)
    ]
    table = connection.ops.quote_name(model._meta.db_table)
    into = f"INSERT INTO {table} ({', '.join(map(column_of, fields))})"
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":  # one array for each column costs half
            arrays = ", ".join(f"%s::{array_type_of(field)}" for field in fields)
            sql = f"{into} SELECT * FROM unnest({arrays}) ON CONFLICT DO NOTHING"  # noqa: S608
            cursor.execute(sql, columns)
        else:
            places = ", ".join(["%s"] * len(fields))
            sql = f"{into} VALUES ({places}) ON CONFLICT DO NOTHING"
            cursor.executemany(sql, list(zip(*columns, strict=True)))


def array_type_of(field: Any) -> str:
    """Return PostgreSQL's type of an array of a field's values.

    It has no length: a cast would cut longer texts, where an insert refuses them.
    """
    return re.sub(r"\(.*\)", "", field.db_type(connection)) + "[]"


def add_rows(rows: Sequence[models.Model], *, by: Sequence[str], summed: Sequence[str]) -> None:
    """Insert unsaved rows of one model; where one with the same `by` is there, add the fields `summed`.

    `by` are the fields of a unique constraint.
    """
    if not rows:
        return
    meta, table = rows[0]._meta, table_of(rows)
    fields = [field for field in meta.concrete_fields if not field.primary_key]
    columns, places = ", ".join(map(column_of, fields)), ", ".join(["%s"] * len(fields))
    keys = ", ".join(column_of(meta.get_field(name)) for name in by)
    sums = [column_of(meta.get_field(name)) for name in summed]
    sets = ", ".join(f"{name} = {table}.{name} + excluded.{name}" for name in sums)
    sql = (
        f"INSERT INTO {table} ({columns}) VALUES ({places})"  # noqa: S608
        f" ON CONFLICT ({keys}) DO UPDATE SET {sets}"
    )
    with connection.cursor() as cursor:
        cursor.executemany(sql, values_of(rows, fields))


def update_rows(rows: Sequence[models.Model], names: Sequence[str]) -> None:
    """Write the fields with these names of saved rows of one model."""
    if not rows:
        return
    meta = rows[0]._meta
    fields = [meta.get_field(name) for name in names]
    columns = ", ".join(f"{column_of(field)} = %s" for field in fields)
    sql = f"UPDATE {table_of(rows)} SET {columns} WHERE {column_of(meta.pk)} = %s"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.executemany(sql, values_of(rows, [*fields, meta.pk]))


def table_of(rows: Sequence[models.Model]) -> str:
    """Return the quoted name of the rows' table."""
    return connection.ops.quote_name(rows[0]._meta.db_table)


def column_of(field: Any) -> str:
    """Return the quoted name of a field's column."""
    return connection.ops.quote_name(field.column)


def values_of(rows: Sequence[models.Model], fields: Iterable[Any]) -> list[tuple[Any, ...]]:
    """Return for each row the values of its fields as the database's driver takes them."""
    columns = [driver_values(field, [getattr(row, field.attname) for row in rows]) for field in fields]
    return list(zip(*columns, strict=True))


def driver_values(field: Any, values: Sequence[Any]) -> list[Any]:
    """Return the values of a field as the database's driver takes them.

    Django's way asks each value what it is, which takes ten times as long.
    """
    types = set(map(type, values))
    if types <= PLAIN and not isinstance(field, models.JSONField):
        return list(values)
    if types == {datetime}:
        return driver_times(values)
    return [field.get_db_prep_save(value, connection) for value in values]


def driver_times(values: Sequence[datetime]) -> list[Any]:
    """Return aware times as the driver takes them: SQLite as texts in UTC."""
    if connection.vendor == "postgresql":
        return list(values)
    return [str(value.astimezone(UTC)).removesuffix("+00:00") for value in values]


def one_of(texts: Iterable[str]) -> RawSQL:
    """Return an expression for the right side of `__in`: any of these texts, however many.

    Databases limit the number of values in a query, and Django takes long for each. This is one value.
    """
    if connection.vendor == "postgresql":
        return RawSQL("SELECT unnest(%s::text[])", [list(texts)])
    return RawSQL("SELECT value FROM json_each(%s)", [json.dumps(list(texts))])


def delete_few_at_a_time(rows: models.QuerySet[Any]) -> int:
    """Delete rows with all that belongs to them, each part in a transaction of its own; return how many.

    So nobody waits for long. After DELETED_IN_A_RUN it ends, and the next run goes on. `rows` are in order.
    """
    deleted = 0
    while deleted < DELETED_IN_A_RUN:
        with transaction.atomic():
            pks = list(rows.values_list("pk", flat=True)[:DELETED_AT_ONCE])
            rows.model._default_manager.filter(pk__in=pks).delete()
        deleted += len(pks)
        if len(pks) < DELETED_AT_ONCE:
            break
    return deleted
