"""The only writer of the trail: appends events to the chain in the transaction of the change itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from portal.audit.actions import outcome_of_action
from portal.audit.chain import GENESIS, canonical_json, entry_hash
from portal.audit.models import Event, Head
from portal.audit.origin import Origin
from portal.web.masking import Masker
from portal.web.text import printable

Changes = Mapping[str, Sequence[Any]]  # field to (before, after)


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What an event is about. `deployment_id` is Roboflow's id, for events about a deployment."""

    type: str = ""
    id: str = ""
    name: str = ""
    deployment_id: str = ""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """An event to append. `action` is an Action, or one that a room above registered."""

    action: str
    by: Origin
    at: datetime
    about: Subject = field(default_factory=Subject)
    workspace: Any = None  # a Workspace; this room does not know the class
    reason: str = ""
    changes: Changes | None = None
    operation_id: str = ""


def append_event(
    action: str,
    *,
    by: Origin,
    at: datetime,
    about: Subject | None = None,
    workspace: Any = None,
    reason: str = "",
    changes: Changes | None = None,
    operation_id: str = "",
) -> Event:
    """Append one event and return it. Raises RuntimeError outside a transaction.

    Call it late in the transaction that makes the change: it locks the head of the chain until the commit.
    """
    entry = Entry(
        action=action,
        by=by,
        at=at,
        about=about or Subject(),
        workspace=workspace,
        reason=reason,
        changes=changes,
        operation_id=operation_id,
    )
    return append_events([entry])[0]


def append_events(entries: Sequence[Entry]) -> list[Event]:
    """Append the entries in their order, under one lock of the head; return the events.

    Raises RuntimeError outside a transaction.
    """
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("Append an event only in the transaction of the change itself.")
    if not entries:
        return []
    # Masked before the head is locked: everybody who appends waits for it.
    masked = Masker().mask_values([texts_of(entry) for entry in entries])
    sequence, hash = lock_head()
    events = []
    for entry, texts in zip(entries, masked, strict=True):
        fields = event_fields(entry, texts, sequence=sequence + 1)
        event = Event(**fields, previous_hash=hash, hash=entry_hash(hash, fields))
        sequence, hash = event.sequence, event.hash
        events.append(event)
    Event.objects.bulk_create(events, batch_size=500)
    move_head(sequence, hash)
    return events


# Each change of the portal reads, locks and moves the head. These statements are written out, because the ORM
# takes as long to compile both as the database takes to insert the entry.
READ_HEAD = 'SELECT "sequence", "hash" FROM "audit_head" WHERE "id" = 1'
MOVE_HEAD = 'UPDATE "audit_head" SET "sequence" = %s, "hash" = %s WHERE "id" = 1'


def lock_head() -> tuple[int, str]:
    """Return the sequence and hash of the head of the trail, locked until the transaction ends.

    It creates the head for the first entry. Two first entries can be appended at the same time: the second
    one waits for the head of the first.
    """
    if head := read_and_lock_head():
        return head
    Head.objects.bulk_create([Head(pk=1, sequence=0, hash=GENESIS)], ignore_conflicts=True)
    return lock_head()


def read_and_lock_head() -> tuple[int, str] | None:
    """Return the sequence and hash of the head, locked where the database locks rows; None without a head."""
    locked = f"{READ_HEAD} FOR UPDATE" if connection.features.has_select_for_update else READ_HEAD
    with connection.cursor() as cursor:
        cursor.execute(locked)
        head: tuple[int, str] | None = cursor.fetchone()
    return head


def move_head(sequence: int, hash: str) -> None:
    """Store the new end of the chain."""
    with connection.cursor() as cursor:
        cursor.execute(MOVE_HEAD, (sequence, hash))


def texts_of(entry: Entry) -> dict[str, Any]:
    """Return what others wrote of an entry: its secrets are masked before anything is cut or replaced."""
    by, about = entry.by, entry.about
    return {
        "actor_name": by.actor_name,
        "agent": by.agent,
        "request_id": by.request_id,
        "object_id": about.id,
        "object_name": about.name,
        "deployment_id": about.deployment_id,
        "reason": entry.reason,
        "changes": without_nul(entry.changes or {}),
    }


def event_fields(entry: Entry, texts: dict[str, Any], *, sequence: int) -> dict[str, Any]:
    """Return the fields of an entry as they are stored and hashed; `texts` are from texts_of(), masked."""
    by, about, workspace = entry.by, entry.about, entry.workspace
    return {
        "sequence": sequence,
        "at": entry.at,
        "actor_id": by.actor_id,
        "actor_name": printable(texts["actor_name"])[:254],
        "ip": by.ip,
        "agent": texts["agent"][:200],
        "request_id": texts["request_id"][:64],
        "source": by.source,
        "action": str(entry.action),
        "outcome": outcome_of_action(entry.action),
        "workspace_id": workspace.pk if workspace else None,
        "workspace_name": workspace.slug if workspace else "",
        "object_type": about.type,
        "object_id": texts["object_id"][:255],
        "object_name": printable(texts["object_name"])[:254],
        "deployment_id": texts["deployment_id"][:255],
        "operation_id": entry.operation_id,
        "reason": printable(texts["reason"]),
        "changes": canonical_json(texts["changes"]) if entry.changes else "",
    }


def without_nul(value: Any) -> Any:
    """Return a JSON value without NULs in its texts: PostgreSQL stores none."""
    if isinstance(value, str):
        return value.replace("\x00", "")
    if isinstance(value, Mapping):
        return {str(name): without_nul(one) for name, one in value.items()}
    return [without_nul(one) for one in value] if isinstance(value, list | tuple) else value
