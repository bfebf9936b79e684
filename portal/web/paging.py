"""Pages by key, never by offset: the next page begins after the last row of this one, at any depth alike."""

import base64
import json
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db.models import Q, QuerySet


@dataclass(frozen=True)
class Page:
    """One page of rows, and the cursor of the next one; "" at the end."""

    rows: list[Any]
    next: str


def keyset_page(
    queryset: QuerySet[Any], *, cursor: str | None, size: int, fields: tuple[str, ...] = ("-pk",)
) -> Page:
    """Return a page ordered by `fields`, the last of them unique. A cursor that makes no sense is the first page."""
    rows = queryset.order_by(*fields)
    if after := decode_cursor(queryset, cursor, fields):
        rows = rows.filter(after_condition(fields, after))
    found = list(rows[: size + 1])
    more = len(found) > size
    return Page(
        found[:size],
        encode_cursor([cursor_value(found[size - 1], field) for field in fields]) if more else "",
    )


def cursor_value(row: Any, field: str) -> Any:
    """Return a row's value as it goes into a cursor."""
    value = getattr(row, field.removeprefix("-"))
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value


def encode_cursor(values: list[Any]) -> str:
    """Return a cursor."""
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


def decode_cursor(queryset: QuerySet[Any], cursor: str | None, fields: tuple[str, ...]) -> list[Any]:
    """Return the values that a cursor holds, made fit for their columns; [] when it is none of ours."""
    if not cursor:
        return []
    try:
        values = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if not isinstance(values, list) or len(values) != len(fields):
            return []
        found = [
            order_field(queryset, field).to_python(value) for field, value in zip(fields, values, strict=True)
        ]
    except (ValueError, TypeError, ValidationError, FieldDoesNotExist, OverflowError, RecursionError):
        return []
    return [] if any(value is None or "\x00" in str(value) for value in found) else found


def order_field(queryset: QuerySet[Any], field: str) -> Any:
    """Return the model field behind an order."""
    meta, name = queryset.model._meta, field.removeprefix("-")
    return meta.pk if name == "pk" else meta.get_field(name)


def after_condition(fields: tuple[str, ...], after: list[Any]) -> Q:
    """Return the condition for rows that follow `after` in the order of one or more fields."""
    condition, equal = Q(), Q()
    for field, value in zip(fields, after, strict=True):
        name, word = field.removeprefix("-"), "lt" if field.startswith("-") else "gt"
        condition |= equal & Q(**{f"{name}__{word}": value})
        equal &= Q(**{name: value})
    first, word = fields[0].removeprefix("-"), "lte" if fields[0].startswith("-") else "gte"
    return condition & Q(
        **{f"{first}__{word}": after[0]}
    )  # says nothing new, but lets an index begin at the right place
