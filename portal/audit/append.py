"""The only writer of the trail: appends events to the chain in the transaction of the change itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction

from portal.audit.actions import outcome_of_action
from portal.audit.chain import GENESIS, canonical_json, entry_hash
from portal.audit.models import Event, Head
from portal.audit.origin import Origin
from portal.web.masking import mask_secrets
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
    head = Head.objects.select_for_update().filter(pk=1).first() or Head(pk=1, sequence=0, hash=GENESIS)
    events = []
    for entry in entries:
        fields = event_fields(entry, sequence=head.sequence + 1)
        event = Event(**fields, previous_hash=head.hash, hash=entry_hash(head.hash, fields))
        head.sequence, head.hash = event.sequence, event.hash
        events.append(event)
    Event.objects.bulk_create(events, batch_size=500)
    head.save()
    return events


def event_fields(entry: Entry, *, sequence: int) -> dict[str, Any]:
    """Return the fields of an entry as they are stored and hashed: secrets masked, texts on one line."""
    by, about, workspace = entry.by, entry.about, entry.workspace
    return {
        "sequence": sequence,
        "at": entry.at,
        "actor_id": by.actor_id,
        "actor_name": printable(by.actor_name)[:254],
        "ip": by.ip,
        "agent": mask_secrets(by.agent)[:200],
        "request_id": by.request_id[:64],
        "source": by.source,
        "action": str(entry.action),
        "outcome": outcome_of_action(entry.action),
        "workspace_id": workspace.pk if workspace else None,
        "workspace_name": workspace.slug if workspace else "",
        "object_type": about.type,
        "object_id": about.id[:255],
        "object_name": mask_secrets(printable(about.name))[:254],
        "deployment_id": about.deployment_id[:255],
        "operation_id": entry.operation_id,
        "reason": mask_secrets(printable(entry.reason)),
        "changes": canonical_json(mask_values(dict(entry.changes))) if entry.changes else "",
    }


def mask_values(value: Any) -> Any:
    """Return the JSON value with the secrets in each of its texts masked.

    Each text is masked by itself: masking the finished JSON could make it invalid.
    """
    if isinstance(value, str):
        return mask_secrets(value.replace("\x00", ""))  # PostgreSQL stores no NUL
    if isinstance(value, Mapping):
        return {str(name): mask_values(one) for name, one in value.items()}
    return [mask_values(one) for one in value] if isinstance(value, list | tuple) else value
