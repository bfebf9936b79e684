"""Ask for a change: write it down and audit it, in one transaction, before anyone acts on it."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from deployments.fleet.models import Asked, Deployment
from deployments.keys.masking import known_fingerprints, mask_known_keys
from deployments.keys.models import ApiKey
from deployments.keys.own import lock_key
from deployments.operations.claim import log_state
from deployments.operations.models import Operation
from deployments.operations.states import OPEN_STATES, Kind
from deployments.workspaces.models import Workspace, bump_revision
from portal.audit.actions import Action
from portal.audit.append import Entry, Subject, append_events
from portal.audit.origin import Origin
from portal.queue.publish import publish

MAX_TRIES = 5


@dataclass(frozen=True, kw_only=True)
class ChangeRequest:
    """What a person wants: one kind of change on one name. `parameters` are a create's, by Roboflow's field names."""

    kind: Kind
    workspace: Workspace
    name: str
    deployment: Deployment | None = None
    parameters: dict[str, Any] = field(default_factory=dict)
    reason: str = ""
    batch: UUID | None = None

    @property
    def thing(self) -> Subject:
        """Return how the trail names what the wish is about."""
        upstream_id = self.deployment.deployment_id if self.deployment else ""
        return Subject(type="deployment", id=upstream_id, name=self.name, deployment_id=upstream_id)


@transaction.atomic(durable=True)
def request_operation(
    wish: ChangeRequest, *, key: ApiKey, form_token: UUID, by: Origin, now: datetime
) -> Operation:
    """Return the operation that now stands for this wish: a new one, or the one already there.

    - The same `form_token` again (double click, reload) returns the operation of the first post.
    - While another operation on this name is open, that one is returned and the attempt is in the trail as refused.
      The guard is the constraint `one_open_operation_per_name`, not a query: people click at the same moment.

    Nothing is sent from here. If Redis is away the operation stays *queued* and the sweep publishes it. Raises Refused when the key was removed.
    """
    return request_operations([wish], key=key, form_token=form_token, by=by, now=now)[0]


def request_operations(
    wishes: Iterable[ChangeRequest], *, key: ApiKey, form_token: UUID, by: Origin, now: datetime
) -> list[Operation]:
    """Return the operations that now stand for these wishes. Call it inside a transaction.

    All are written before the first event is: the event takes the head of the trail, and whoever holds that waits for nobody.
    """
    lock_key(key)
    known = known_fingerprints()  # people paste keys everywhere
    cleaned = [replace(wish, reason=mask_known_keys(wish.reason, known)) for wish in wishes]
    asked = [create_or_find(wish, key=key, form_token=form_token, by=by, now=now) for wish in cleaned]
    append_events([entry for _, entry in asked if entry])
    for operation, entry in asked:
        if entry and entry.action == Action.of(operation.kind, "requested"):
            bump_revision(operation.workspace_id)
            transaction.on_commit(partial(log_state, operation))
            transaction.on_commit(partial(publish, "operations.run", operation.pk), robust=True)
    return [operation for operation, _ in asked]


def create_or_find(
    wish: ChangeRequest, *, key: ApiKey, form_token: UUID, by: Origin, now: datetime
) -> tuple[Operation, Entry | None]:
    """Return the operation that stands for a wish, and the event that tells of it; none where this form was posted before."""
    for _ in range(MAX_TRIES):  # the one that stands in the way may end between the two statements
        if first := operation_of_form(form_token, wish.name, actor_id=by.actor_id):
            return first, None
        try:
            with transaction.atomic():
                operation = insert_operation(wish, key=key, form_token=form_token, by=by, now=now)
        except IntegrityError:
            if other := Operation.objects.filter(
                workspace=wish.workspace, target_name=wish.name, state__in=OPEN_STATES
            ).first():
                return other, request_entry(wish, "refused", other, by=by, now=now)
        else:
            return operation, request_entry(wish, "requested", operation, by=by, now=now)
    raise RuntimeError(
        "Something stood in the way of this operation, and nothing did, several times in a row."
    )


def request_entry(
    wish: ChangeRequest, word: str, operation: Operation, *, by: Origin, now: datetime
) -> Entry:
    """Return the event of a wish that was taken or refused; a taken one tells its parameters."""
    changes = (
        {name: (None, value) for name, value in wish.parameters.items()} if word == "requested" else None
    )
    return Entry(
        action=Action.of(wish.kind, word),
        by=by,
        at=now,
        about=wish.thing,
        workspace=wish.workspace,
        reason=wish.reason,
        changes=changes,
        operation_id=str(operation.pk),
    )


def operation_of_form(form_token: UUID, name: str, *, actor_id: int | None) -> Operation | None:
    """Return the operation that the first post of this form made."""
    return Operation.objects.filter(actor_id=actor_id, form_token=form_token, target_name=name).first()


def insert_operation(
    wish: ChangeRequest, *, key: ApiKey, form_token: UUID, by: Origin, now: datetime
) -> Operation:
    """Write the operation and what it asks for. Raises IntegrityError when another one is open."""
    operation = Operation.objects.create(
        workspace=wish.workspace,
        deployment=wish.deployment,
        target_name=wish.name,
        target_id=wish.deployment.deployment_id if wish.deployment else "",
        kind=wish.kind,
        parameters=wish.parameters,
        reason=wish.reason,
        batch=wish.batch,
        source=by.source,
        actor_id=by.actor_id,
        actor_name=by.actor_name,
        actor_ip=by.ip,
        actor_agent=by.agent,
        request_id=by.request_id,
        key=key,
        form_token=form_token,
        requested_at=now,
    )
    Asked.objects.create(
        operation_id=operation.pk,
        workspace=wish.workspace,
        deployment=wish.deployment,
        name=wish.name,
        machine_type=wish.parameters.get("machine_type") or "",
        kind=wish.kind,
        by=by.actor_name,
        since=now,
    )
    return operation
