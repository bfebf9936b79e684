"""Request a change: store it and its audit entry in one transaction, before any worker acts on it."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from deployments.keys.models import ApiKey
from deployments.keys.own import lock_key
from deployments.ledger.kinds import Kind, action_of
from deployments.ledger.models import Batch, Operation
from deployments.ledger.transitions import log_state
from deployments.workspaces.models import Workspace
from deployments.workspaces.revision import bump_revision
from portal.audit.append import Entry, Subject, append_events
from portal.audit.origin import Origin
from portal.queue.publish import publish
from portal.web.masking import Masker

MAX_TRIES = 5


@dataclass(frozen=True, kw_only=True)
class ChangeRequest:
    """One change that a person requests for one deployment name."""

    kind: Kind
    workspace: Workspace
    name: str
    target_id: str = ""  # the deployment_id that the person saw; empty for a create
    parameters: dict[str, Any] = field(default_factory=dict)  # of a create: the fields of POST /add
    reason: str = ""
    batch: Batch | None = None

    @property
    def subject(self) -> Subject:
        """The deployment, as the audit entry names it."""
        return Subject(type="deployment", id=self.target_id, name=self.name, deployment_id=self.target_id)


@transaction.atomic(durable=True)
def request_operation(
    request: ChangeRequest, *, key: ApiKey, form_token: UUID, by: Origin, now: datetime
) -> Operation:
    """Create the operation, or return the one that is already open for this name.

    - A repeated `form_token` (double click, reload) returns the operation of the first post.
    - While another operation on this name is open, return that one and audit the attempt as refused. The
      constraint `one_open_operation_per_name` decides, not a query: two people can click at the same time.

    Nothing is sent to Roboflow here. If Redis is down, the sweep publishes the *queued* operation later.
    Raises Refused when the key was removed.
    """
    return request_operations([request], key=key, form_token=form_token, by=by, now=now)[0]


def request_operations(
    requests: Iterable[ChangeRequest], *, key: ApiKey, form_token: UUID, by: Origin, now: datetime
) -> list[Operation]:
    """Create the operations, or return the open ones, in the order of `requests`.

    Call it inside a transaction. Raises Refused when the key was removed.

    Operations are written in the order of their names, so that two batches of the same deployments do not
    wait for each other in a circle. All are written before the first audit entry: an entry locks the head of
    the trail, and a transaction that holds this lock must not wait for another one.
    """
    lock_key(key)
    requests, by = without_secrets(list(requests), by)
    by_number = {
        number: create_or_find(request, key=key, form_token=form_token, by=by, now=now)
        for number, request in sorted(enumerate(requests), key=lambda pair: pair[1].name)
    }
    results = [by_number[number] for number in range(len(requests))]
    created = [
        operation
        for operation, entry in results
        if entry and entry.action == action_of(operation.kind, "requested")
    ]
    for workspace_id in {operation.workspace_id for operation in created}:
        mine = [operation.pk for operation in created if operation.workspace_id == workspace_id]
        bump_revision(workspace_id, Operation.objects.filter(pk__in=mine))
    append_events([entry for _, entry in results if entry])
    transaction.on_commit(partial(publish_created, created), robust=True)
    return [operation for operation, _ in results]


def without_secrets(requests: list[ChangeRequest], by: Origin) -> tuple[list[ChangeRequest], Origin]:
    """Return the requests and their origin with secrets masked in what a person or a browser wrote.

    The trail masks by itself; this is for the operations' own rows.
    """
    masker = Masker()
    reasons = masker.mask_all(request.reason for request in requests)
    masked = [replace(request, reason=reason) for request, reason in zip(requests, reasons, strict=True)]
    return masked, replace(by, agent=masker.mask(by.agent))


def publish_created(operations: list[Operation]) -> None:
    """Publish new operations: one message for a batch, so that a click waits for the broker only once."""
    for operation in operations:
        log_state(operation)
    if len(operations) > 1:
        publish("operations.run_batch", operations[0].batch_id)
    elif operations:
        publish("operations.run", operations[0].pk)


def create_or_find(
    request: ChangeRequest, *, key: ApiKey, form_token: UUID, by: Origin, now: datetime
) -> tuple[Operation, Entry | None]:
    """Create the operation, or return the one that is already open for this name.

    Also return the audit entry to append (None for a repeated form).
    """
    for _ in range(MAX_TRIES):  # an open operation may end between the two queries
        if first := operation_of_form(form_token, request.name, actor_id=by.actor_id):
            return first, None
        try:
            with transaction.atomic():
                operation = insert_operation(request, key=key, form_token=form_token, by=by, now=now)
        except IntegrityError:
            open_operations = Operation.objects.open()
            other = open_operations.filter(workspace=request.workspace, target_name=request.name).first()
            if other:
                return other, request_entry(request, "refused", other, by=by, now=now)
        else:
            return operation, request_entry(request, "requested", operation, by=by, now=now)
    raise RuntimeError(f"Other operations on {request.name} kept starting and ending: none could be created.")


def request_entry(
    request: ChangeRequest, word: str, operation: Operation, *, by: Origin, now: datetime
) -> Entry:
    """Return the audit entry of a request; `word` is `requested` (with its parameters) or `refused`."""
    changes = {name: (None, value) for name, value in request.parameters.items()}
    return Entry(
        action=action_of(request.kind, word),
        by=by,
        at=now,
        about=request.subject,
        workspace=request.workspace,
        reason=request.reason,
        changes=changes if word == "requested" else None,
        operation_id=str(operation.pk),
    )


def operation_of_form(form_token: UUID, name: str, *, actor_id: int | None) -> Operation | None:
    """Return the operation that this person's first post of the form created for `name`, or None."""
    created = Operation.objects.filter(actor_id=actor_id, form_token=form_token, target_name=name)
    return created.select_related("workspace").first()


def insert_operation(
    request: ChangeRequest, *, key: ApiKey, form_token: UUID, by: Origin, now: datetime
) -> Operation:
    """Insert a queued operation. Raises IntegrityError while another operation on this name is open."""
    return Operation.objects.create(
        workspace=request.workspace,
        target_name=request.name,
        target_id=request.target_id,
        kind=request.kind,
        parameters=request.parameters,
        reason=request.reason,
        batch=request.batch,
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
