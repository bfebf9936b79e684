"""Reads entries as they are in the database, also when somebody wrote into a row what no entry can hold.

SQLite takes any bytes in any column: Django then raises when it reads the row, and with it all rows that are
read together. A row that cannot be read is named, and shown as broken; the others are read.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from django.db import DatabaseError
from django.db.models import Func, QuerySet, TextField

from portal.audit.chain import FIELDS
from portal.audit.models import Event, SignedHead
from portal.web.batched import batched

UNREADABLE = (DatabaseError, ValueError, TypeError, OverflowError)  # what reading a broken row raises
CHUNK = 2000
HASHED = (*FIELDS, "previous_hash", "hash")
TEXTS = tuple(name for name in HASHED if name not in ("sequence", "at", "actor_id", "workspace_id"))
BROKEN = "event.unreadable"  # the action of an entry that is shown in place of a broken one
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


def stored_entries(*, first: int = 1, last: int | None = None) -> Iterator[dict[str, Any]]:
    """Yield the entries from `first` to `last` (None: to the end) with their hashes, oldest first.

    In place of one that cannot be read comes its `sequence`, with the reason as `unreadable`.
    """
    rows = Event.objects.order_by("sequence")
    if last is not None:
        rows = rows.filter(sequence__lte=last)
    reached = first - 1
    while part := read_part(rows.filter(sequence__gt=reached)[:CHUNK]):
        yield from part
        reached = part[-1]["sequence"]


def read_part(rows: QuerySet[Event]) -> list[dict[str, Any]]:
    """Return the entries of some rows, one by one if they cannot be read together."""
    try:
        return [dict(zip(HASHED, values, strict=True)) for values in rows.values_list(*HASHED)]
    except UNREADABLE:
        return [read_entry(sequence) for sequence in list(rows.values_list("sequence", flat=True))]


class UtcText(Func):
    """A stored time as chain.utc_text() writes it: to read a datetime and write it again takes long.

    On SQLite it is null where there is no time as Django writes one.
    """

    output_field = TextField()
    POSTGRESQL = """to_char(%(expressions)s AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""
    SQLITE = """CASE  -- a modifier makes SQLite look for a 30 February
        WHEN typeof(%(expressions)s) = 'text' AND substr(%(expressions)s, 1, 19)
            = strftime('%%Y-%%m-%%d %%H:%%M:%%S', substr(%(expressions)s, 1, 19), '+0 days')
        THEN CASE
            WHEN length(%(expressions)s) = 19
                THEN replace(%(expressions)s, ' ', 'T') || '.000000Z'
            WHEN substr(%(expressions)s, 20) GLOB '.[0-9][0-9][0-9][0-9][0-9][0-9]'
                THEN replace(%(expressions)s, ' ', 'T') || 'Z'
        END
    END"""

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        """Let PostgreSQL write it."""
        return self.as_sql(compiler, connection, template=self.POSTGRESQL, **context)

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        """Put it together from the text that Django stored."""
        return self.as_sql(compiler, connection, template=self.SQLITE, **context)


def hashed_rows(*, first: int, last: int) -> Iterator[tuple[Any, ...]]:
    """Yield the entries from `first` to `last` as they are hashed, oldest first.

    That is: the values of FIELDS, `at` as text, and of `previous_hash` and `hash`. Where one row cannot be
    read, those that are read with it have their sequence alone.
    """
    rows = Event.objects.filter(sequence__lte=last).order_by("sequence").annotate(at_text=UtcText("at"))
    names = ["at_text" if name == "at" else name for name in HASHED]
    reached = first - 1
    while True:
        part = rows.filter(sequence__gt=reached)[:CHUNK]
        try:
            found = list(part.values_list(*names))
        except UNREADABLE:
            found = list(part.values_list("sequence"))
        if not found:
            return
        yield from found
        reached = found[-1][0]


def read_entry(sequence: int) -> dict[str, Any]:
    """Return one entry that exists, or its sequence and why it cannot be read."""
    try:
        return dict(Event.objects.filter(sequence=sequence).values(*HASHED).get())
    except UNREADABLE as error:
        return {"sequence": sequence, "unreadable": type(error.__cause__ or error).__name__}


def what_is_broken(entry: Mapping[str, Any]) -> str:
    """Return why an entry cannot be one of the trail, whatever its hash says; "" for a possible one."""
    if "unreadable" in entry:
        return f"its row cannot be read ({entry['unreadable']})"
    if set(map(type, map(entry.__getitem__, TEXTS))) == {str} and isinstance(entry["at"], datetime):
        return ""
    odd = [name for name in TEXTS if not isinstance(entry[name], str)]
    odd += [] if isinstance(entry["at"], datetime) else ["at"]
    return f"the value of {', '.join(odd)} has another type than it must have" if odd else ""


def readable(events: QuerySet[Event]) -> list[Event]:
    """Return the events, with a stand-in for each that cannot be read."""
    try:
        return [as_readable(event) for event in events]
    except UNREADABLE:
        return [read_event(sequence) for sequence in list(events.values_list("sequence", flat=True))]


def read_event(sequence: int) -> Event:
    """Return one event that exists, or a stand-in."""
    try:
        return as_readable(Event.objects.get(sequence=sequence))
    except UNREADABLE:
        return stand_in(sequence)


def as_readable(event: Event) -> Event:
    """Return the event, or a stand-in if one of its values has another type than it must have."""
    values = {name: getattr(event, name) for name in HASHED}
    return stand_in(event.sequence) if what_is_broken(values) else event


def stand_in(sequence: int) -> Event:
    """Return what pages and exports show in place of an entry that cannot be read."""
    event = Event(
        sequence=sequence,
        at=LONG_AGO,
        action=BROKEN,
        outcome="failed",
        source="system",
        object_name=f"entry {sequence}",
        reason="Somebody changed its row in the database. Verify the trail.",
    )
    event.actor_email = ""  # type: ignore[attr-defined]
    return event


def readable_one_by_one(events: QuerySet[Event], *, size: int = 500) -> Iterator[Event]:
    """Yield the events in their order, some at a time, with a stand-in for each that cannot be read."""
    for some in batched(events.values_list("sequence", flat=True).iterator(chunk_size=CHUNK), size):
        yield from readable(events.filter(sequence__in=some))


def newest_signed_head() -> SignedHead | None:
    """Return the signed head of the newest entry that has one, or None."""
    return SignedHead.objects.order_by("-sequence").first()


def signed_heads(*, first: int = 0, last: int | None = None) -> Iterable[SignedHead]:
    """Yield the signed heads of the entries from `first` to `last` (None: to the end), oldest first."""
    rows = SignedHead.objects.filter(sequence__gte=first)
    if last is not None:
        rows = rows.filter(sequence__lte=last)
    return rows.order_by("sequence").iterator()
