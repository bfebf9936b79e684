"""Pages of operations: the list, and one operation with the actions on it."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.contrib import messages
from django.db.models import Count, Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from deployments.fleet.shown import told_operations
from deployments.ledger.kinds import Kind
from deployments.ledger.models import Operation
from deployments.ledger.results import told_state
from deployments.ledger.states import State
from deployments.ledger.transitions import cancel_operation, dismiss_operation, operation_subject
from deployments.operations.acting import (
    form_token_of,
    redirect_to_result,
    refuse_if_too_many,
    require_own_key,
    warn_if_other_operation,
)
from deployments.operations.forms import ResolveForm
from deployments.operations.request import ChangeRequest, request_operation
from deployments.operations.resolve import mark_resolved_by_hand, request_check
from deployments.operations.steps import deployment_of, steps_of
from deployments.workspaces.guard import workspace_required
from deployments.workspaces.models import Membership, Workspace
from deployments.workspaces.revision import page_revision
from deployments.workspaces.roles import Role, is_enough
from portal.accounts.models import User
from portal.audit.export import begin_export
from portal.audit.feed import FeedLine
from portal.audit.models import Event
from portal.audit.origin import origin_of
from portal.clock import now
from portal.queue.publish import publish
from portal.web.errors import NotFound
from portal.web.export import export_response, wants_export
from portal.web.fragments import form_page, is_unchanged, nothing_new, page_or_part, redirect_page
from portal.web.paging import keyset_page

COLUMNS = (
    "id",
    "kind",
    "state",
    "target_name",
    "deployment_id",
    "actor",
    "reason",
    "source",
    "attempts",
    "requested_at",
    "sent_at",
    "accepted_at",
    "confirmed_at",
    "ended_at",
    "message",
    "upstream_text",
    "resolved_at",
    "resolution",
    "batch_id",
)


def filter_operations(request: HttpRequest, workspace: Workspace) -> QuerySet[Operation]:
    """Return the workspace's operations, filtered by `state`, `kind` and `actor` of the query string.

    An unknown value filters nothing.
    """
    rows = workspace.operations.all()
    state, kind, actor = (request.GET.get(name, "") for name in ("state", "kind", "actor"))
    if state in State.values:
        rows = rows.filter(state=state)
    if state == "open":
        rows = rows.open()  # type: ignore[attr-defined]
    if kind in list(Kind):
        rows = rows.filter(kind=kind)
    if actor.isdecimal() and len(actor) < 18:  # a larger number fits into no database
        rows = rows.filter(actor_id=int(actor))
    return rows


@require_safe
@workspace_required(Role.VIEWER)
def operations(request: HttpRequest, membership: Membership) -> HttpResponseBase:
    """Show the operations of the workspace, newest first, or export them."""
    workspace = membership.workspace
    rev = page_revision(workspace, now=now())
    if is_unchanged(request, rev):
        return nothing_new()
    rows = filter_operations(request, workspace)
    if export_format := wants_export(request):
        return export_operations(request, workspace, rows, export_format)
    page = keyset_page(
        rows.select_related("actor"),
        cursor=request.GET.get("cursor"),
        size=50,
        fields=("-requested_at", "-pk"),
    )
    context = {
        "workspace": workspace,
        "rows": told_operations(workspace, page.rows),
        "next": page.next,
        "rev": rev,
        "actors": actors_of(workspace),
        "states": State.choices,
        "kinds": [(kind, kind.facts.label) for kind in Kind],
    }
    return page_or_part(
        request,
        "operations/operations.html",
        context,
        part="operations/_operations.html",
        region="operations",
    )


def actors_of(workspace: Workspace) -> list[tuple[int, str]]:
    """Return (id, name) of the people who requested operations, for the filter."""
    own = Operation.objects.filter(workspace=workspace, actor=OuterRef("pk"))
    people = User.objects.filter(Exists(own))  # not the operations of all time: there are fewer people
    return sorted(((person.pk, str(person)) for person in people), key=lambda actor: actor[1])


def export_operations(
    request: HttpRequest, workspace: Workspace, rows: QuerySet[Operation], export_format: str
) -> HttpResponseBase:
    """Return the file of all `rows` as csv or jsonl and audit the export, or a page that says why not now."""
    download = begin_export(request, workspace, what="operations", format=export_format)
    if isinstance(download, HttpResponse):
        return download
    return export_response(
        request,
        export_rows(rows),
        columns=COLUMNS,
        format=export_format,
        filename=f"{workspace.slug}-operations",
        download=download,
    )


def export_rows(rows: QuerySet[Operation]) -> Iterator[dict[str, Any]]:
    """Yield one dict of COLUMNS for each operation, newest first."""
    counted = rows.annotate(calls=Count("attempts")).order_by("-requested_at", "-pk")
    for operation in counted.iterator(chunk_size=1000):
        values = {name: getattr(operation, name, None) for name in COLUMNS}
        yield values | {
            "deployment_id": operation.target_id,
            "actor": operation.actor_name,
            "attempts": getattr(operation, "calls", 0),
        }


def get_operation_or_404(membership: Membership, operation_id: UUID) -> Operation:
    """Return the operation of the member's workspace with this id. Raises NotFound."""
    found = (
        Operation.objects.filter(workspace=membership.workspace, pk=operation_id)
        .select_related("workspace", "actor", "key", "batch")
        .first()
    )
    if found is None:
        raise NotFound(
            _("No such operation"),
            _(
                "This workspace has no operation with this id. The portal keeps operations for %(days)g days;"
                " Activity keeps what happened."
            )
            % {"days": settings.HISTORY_RETENTION_DAYS},
        )
    return found


@require_safe
@workspace_required(Role.VIEWER)
def operation(request: HttpRequest, membership: Membership, operation_id: UUID) -> HttpResponse:
    """Show one operation: what was requested, its steps with times, all calls."""
    found = get_operation_or_404(membership, operation_id)
    rev = page_revision(membership.workspace, now=now())
    if is_unchanged(request, rev):
        return nothing_new()
    return page_or_part(
        request,
        "operations/operation.html",
        operation_context(found, membership, rev),
        part="operations/_operation.html",
        region="operation",
    )


def operation_context(
    found: Operation, membership: Membership, rev: str, form: ResolveForm | None = None
) -> dict[str, Any]:
    """Return the context of an operation's page; `form` is a refused form of **Mark as done by hand**."""
    deployment = deployment_of(found)
    events = Event.objects.filter(operation_id=str(found.pk))
    return {
        "operation": found,
        "workspace": membership.workspace,
        "deployment": deployment,
        "told": told_state(found, deployment.status if deployment else ""),
        "steps": steps_of(found, deployment),
        "attempts": found.attempts.all(),
        "rev": rev,
        "may_act": is_enough(membership.role, Role.OPERATOR),
        "may_dismiss": Operation.objects.unsettled()
        .filter(pk=found.pk)
        .exclude(state=State.UNKNOWN)
        .exists(),
        "resolve_form": form or ResolveForm(),
        "form": form,
        "try_token": uuid4(),
        "entries": [FeedLine(event) for event in events.order_by("sequence")],
    }


@require_POST
@workspace_required(Role.OPERATOR)
def cancel(request: HttpRequest, membership: Membership, operation_id: UUID) -> HttpResponse:
    """Cancel an operation that no worker has claimed yet."""
    found = get_operation_or_404(membership, operation_id)
    if not cancel_operation(found, by=origin_of(request), now=now()):
        messages.warning(request, _("It is too late to cancel: a worker has claimed the operation."))
    return redirect_page(request, found.get_absolute_url())


@require_POST
@workspace_required(Role.OPERATOR)
def check_again(request: HttpRequest, membership: Membership, operation_id: UUID) -> HttpResponse:
    """Have a worker ask Roboflow about an operation that needs attention."""
    found = get_operation_or_404(membership, operation_id)
    if refusal := refuse_if_too_many(request):
        return refusal
    if request_check(found, user_id=request.user.pk, now=now()):
        publish("operations.check_again", found.pk)
        messages.info(
            request, _("The portal is asking Roboflow again. This page shows the answer when it comes.")
        )
    return redirect_page(request, found.get_absolute_url())


@require_POST
@workspace_required(Role.OPERATOR)
def resolve(request: HttpRequest, membership: Membership, operation_id: UUID) -> HttpResponse:
    """Resolve an operation that needs attention with what the person found out."""
    found = get_operation_or_404(membership, operation_id)
    form = ResolveForm(request.POST)
    if not form.is_valid():
        revision = page_revision(membership.workspace, now=now())
        context = operation_context(found, membership, revision, form)
        return form_page(request, "operations/operation.html", context)
    mark_resolved_by_hand(found, reason=form.cleaned_data["reason"], by=origin_of(request), now=now())
    return redirect_page(request, found.get_absolute_url())


@require_POST
@workspace_required(Role.OPERATOR)
def dismiss(request: HttpRequest, membership: Membership, operation_id: UUID) -> HttpResponse:
    """Take an unsuccessful operation out of its row and of *Needs attention*: a person has seen it."""
    found = get_operation_or_404(membership, operation_id)
    if not dismiss_operation(found, by=origin_of(request), now=now()):
        messages.info(request, _("There is nothing to dismiss any more."))
    return redirect_to_result(request, found)


@require_POST
@workspace_required(Role.OPERATOR)
def try_again(request: HttpRequest, membership: Membership, operation_id: UUID) -> HttpResponse:
    """Request the same change again, as a new operation."""
    found = get_operation_or_404(membership, operation_id)
    key = require_own_key(request, membership, Kind(found.kind), operation_subject(found))
    if found.state not in (State.NEEDS_ATTENTION, State.FAILED, State.CANCELLED):
        messages.warning(request, _("You can try again only what failed, was cancelled or needs attention."))
        return redirect_page(request, found.get_absolute_url())
    if refusal := refuse_if_too_many(request):
        return refusal
    change = ChangeRequest(
        kind=Kind(found.kind),
        workspace=membership.workspace,
        name=found.target_name,
        target_id="" if found.facts.makes_new else found.target_id,
        parameters=found.parameters,
        reason=found.reason,
    )
    form_token = form_token_of(request)
    retried = request_operation(change, key=key, form_token=form_token, by=origin_of(request), now=now())
    warn_if_other_operation(request, retried, form_token)
    return redirect_page(request, retried.get_absolute_url())
