"""Pages of rows by key instead of by offset: the next page begins after the last row of this one.

Each page costs the same, however many rows come before it.
"""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db.models import Q, QuerySet


@dataclass(frozen=True)
class Page:
    """The rows of one page, and the cursor of the next page ("" at the end)."""

    rows: list[Any]
    next: str


def keyset_page(
    queryset: QuerySet[Any],
    *,
    cursor: str | None,
    size: int,
    fields: tuple[str, ...] = ("-pk",),
    read: Callable[[QuerySet[Any]], list[Any]] = list,
) -> Page:
    """Return the `size` rows after `cursor`, ordered by `fields`, the last of which must be unique.

    Without a cursor, or with an invalid one, return the first page. `read` turns a queryset into rows.
    """
    rows = queryset.order_by(*fields)
    if after := decode_cursor(queryset, cursor, fields):
        rows = rows.filter(after_condition(fields, after))
    page = read(rows[: size + 1])
    if len(page) <= size:
        return Page(page, next="")
    last = page[size - 1]
    return Page(page[:size], next=encode_cursor([cursor_value(last, field) for field in fields]))


def cursor_value(row: Any, field: str) -> Any:
    """Return the value of `field` in `row`, in a form that JSON can hold."""
    value = getattr(row, field.removeprefix("-"))
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value


def encode_cursor(values: list[Any]) -> str:
    """Return `values` as a cursor: URL-safe base64 of their JSON, without padding."""
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


def decode_cursor(queryset: QuerySet[Any], cursor: str | None, fields: tuple[str, ...]) -> list[Any]:
    """Return the values in `cursor`, converted to the types of `fields`; [] if it is missing or invalid."""
    if not cursor:
        return []
    try:
        raw_values = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if not isinstance(raw_values, list) or len(raw_values) != len(fields):
            return []
        pairs = zip(fields, raw_values, strict=True)
        values = [order_field(queryset, field).to_python(value) for field, value in pairs]
    except (ValueError, TypeError, ValidationError, FieldDoesNotExist, OverflowError, RecursionError):
        return []
    return [] if any(value is None or "\x00" in str(value) for value in values) else values


def order_field(queryset: QuerySet[Any], field: str) -> Any:
    """Return the model field that `field` (with or without a minus sign) orders by."""
    meta, name = queryset.model._meta, field.removeprefix("-")
    return meta.pk if name == "pk" else meta.get_field(name)


def after_condition(fields: tuple[str, ...], after: list[Any]) -> Q:
    """Return the condition for rows that come after the values `after` when ordered by `fields`."""
    condition, equal = Q(), Q()
    for field, value in zip(fields, after, strict=True):
        name, operator = field.removeprefix("-"), "lt" if field.startswith("-") else "gt"
        condition |= equal & Q(**{f"{name}__{operator}": value})
        equal &= Q(**{name: value})
    # The next condition follows from the first one. It lets the database begin at the right place of an
    # index.
    first, operator = fields[0].removeprefix("-"), "lte" if fields[0].startswith("-") else "gte"
    return condition & Q(**{f"{first}__{operator}": after[0]})
