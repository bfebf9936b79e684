"""Insert or update many rows with one prepared statement.

Django's bulk_create and bulk_update build one large statement instead, which takes ten times as long as the
database needs to run it.
"""

from collections.abc import Sequence
from typing import Any

from django.db import connection, models


def insert_rows(rows: Sequence[models.Model]) -> None:
    """Insert unsaved rows of one model, without those that break a constraint. They get no primary key."""
    if not rows:
        return
    fields = [field for field in rows[0]._meta.concrete_fields if not field.primary_key]
    columns, places = ", ".join(map(column_of, fields)), ", ".join(["%s"] * len(fields))
    sql = f"INSERT INTO {table_of(rows)} ({columns}) VALUES ({places}) ON CONFLICT DO NOTHING"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.executemany(sql, [[value_of(row, field) for field in fields] for row in rows])


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
        cursor.executemany(sql, [[value_of(row, field) for field in fields] for row in rows])


def update_rows(rows: Sequence[models.Model], names: Sequence[str]) -> None:
    """Write the fields with these names of saved rows of one model."""
    if not rows:
        return
    meta = rows[0]._meta
    fields = [meta.get_field(name) for name in names]
    columns = ", ".join(f"{column_of(field)} = %s" for field in fields)
    sql = f"UPDATE {table_of(rows)} SET {columns} WHERE {column_of(meta.pk)} = %s"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.executemany(sql, [[*(value_of(row, field) for field in fields), row.pk] for row in rows])


def table_of(rows: Sequence[models.Model]) -> str:
    """Return the quoted name of the rows' table."""
    return connection.ops.quote_name(rows[0]._meta.db_table)


def column_of(field: Any) -> str:
    """Return the quoted name of a field's column."""
    return connection.ops.quote_name(field.column)


def value_of(row: models.Model, field: Any) -> Any:
    """Return the value of a field as the database's driver takes it."""
    value = getattr(row, field.attname)
    is_plain = value is None or isinstance(value, str | int | float)
    return (
        value
        if is_plain and not isinstance(field, models.JSONField)
        else field.get_db_prep_save(value, connection)
    )
