"""Pages of operations: the list, and one operation with what can be done about it."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

from django.contrib import messages
from django.db.models import Count, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.timezone import now
from django.views.decorators.http import require_POST, require_safe

from deployments.ledger.kinds import Kind
from deployments.ledger.models import Operation
from deployments.ledger.states import State
from deployments.ledger.transitions import cancel_operation, operation_subject
from deployments.operations.acting import (
    form_token_of,
    refuse_if_too_many,
    require_own_key,
    warn_if_other_operation,
)
from deployments.operations.forms import ResolveForm
from deployments.operations.request import ChangeRequest, request_operation
from deployments.operations.resolve import mark_resolved_by_hand
from deployments.workspaces.guard import workspace_required
from deployments.workspaces.models import Membership, Workspace
from deployments.workspaces.revision import page_revision
from deployments.workspaces.roles import Role, is_enough
from portal.audit.export import record_export
from portal.audit.models import Event
from portal.audit.origin import origin_of
from portal.queue.publish import publish
from portal.web.export import export_response, wants_export
from portal.web.fragments import form_page, is_unchanged, nothing_new, page_or_part, redirect_page
from portal.web.limits import too_many_exports_page
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
    "batch",
)


def filter_operations(request: HttpRequest, workspace: Workspace) -> QuerySet[Operation]:
    """Return the operations that the query string asks for."""
    rows = Operation.objects.filter(workspace=workspace)
    state, kind, actor = (request.GET.get(name, "") for name in ("state", "kind", "actor"))
    if state in State.values:
        rows = rows.filter(state=state)
    if state == "open":
        rows = rows.open()  # type: ignore[attr-defined]
    if kind in list(Kind):
        rows = rows.filter(kind=kind)
    if actor.isdecimal() and len(actor) < 18:
        rows = rows.filter(actor_id=int(actor))
    try:
        return rows.filter(batch=UUID(request.GET["batch"])) if request.GET.get("batch") else rows
    except ValueError:
        return rows.none()


@require_safe
@workspace_required(Role.VIEWER)
def operations(request: HttpRequest, membership: Membership) -> HttpResponseBase:
    """What was asked of Roboflow, newest first."""
    workspace = membership.workspace
    rev = page_revision(workspace, now=now())
    if is_unchanged(request, rev):
        return nothing_new()
    rows = filter_operations(request, workspace)
    if wanted := wants_export(request):
        if not record_export(request, workspace, what="operations", format=wanted):
            return too_many_exports_page(request)
        return export_response(
            export_rows(rows), columns=COLUMNS, format=wanted, filename=f"{workspace.slug}-operations"
        )
    page = keyset_page(
        rows.select_related("workspace"),
        cursor=request.GET.get("cursor"),
        size=50,
        fields=("-requested_at", "-pk"),
    )
    actors = (
        Operation.objects.filter(workspace=workspace, actor__isnull=False)
        .values_list("actor_id", "actor_name")
        .distinct()[:200]
    )
    context = {
        "workspace": workspace,
        "rows": page.rows,
        "next": page.next,
        "rev": rev,
        "actors": sorted(dict(actors).items()),
        "states": State.choices,
        "kinds": [(kind, kind.facts.label) for kind in Kind],
        "fast": any(one.is_open for one in page.rows),
    }
    return page_or_part(
        request,
        "operations/operations.html",
        context,
        part="operations/_operations.html",
        region="operations",
    )


def export_rows(rows: QuerySet[Operation]) -> Iterator[dict[str, Any]]:
    """Yield every operation of the filter."""
    for one in (
        rows.annotate(calls=Count("attempts")).order_by("-requested_at", "-pk").iterator(chunk_size=1000)
    ):
        facts = {name: getattr(one, name, None) for name in COLUMNS}
        yield facts | {
            "deployment_id": one.target_id,
            "actor": one.actor_name,
            "attempts": getattr(one, "calls", 0),
        }


def get_operation_or_404(membership: Membership, operation_id: UUID) -> Operation:
    """Return an operation of this workspace; any other one is not there."""
    found = (
        Operation.objects.filter(workspace=membership.workspace, pk=operation_id)
        .select_related("workspace", "actor", "key")
        .first()
    )
    if found is None:
        raise Http404
    return found


@require_safe
@workspace_required(Role.VIEWER)
def operation(request: HttpRequest, membership: Membership, operation_id: UUID) -> HttpResponse:
    """One operation: what, why, the steps with their times, every answer. It updates by itself while it runs."""
    found, rev = (
        get_operation_or_404(membership, operation_id),
        page_revision(membership.workspace, now=now()),
    )
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
    """Return what the page of an operation shows."""
    steps = [
        ("Requested", found.requested_at),
        ("Sent", found.sent_at),
        ("Accepted", found.accepted_at),
        ("Confirmed", found.confirmed_at),
    ]
    return {
        "operation": found,
        "workspace": membership.workspace,
        "steps": steps,
        "attempts": found.attempts.all(),
        "rev": rev,
        "may_act": is_enough(membership.role, Role.OPERATOR),
        "resolve_form": form or ResolveForm(),
        "form": form,
        "try_token": uuid4(),
        "events": Event.objects.filter(operation_id=str(found.pk)).order_by("sequence")[:50],
        "batch": Operation.objects.filter(batch=found.batch).exclude(pk=found.pk).count()
        if found.batch
        else 0,
    }


@require_POST
@workspace_required(Role.OPERATOR)
def cancel(request: HttpRequest, membership: Membership, operation_id: UUID) -> HttpResponse:
    """Cancel what is not sent yet."""
    found = get_operation_or_404(membership, operation_id)
    if not cancel_operation(found, by=origin_of(request), now=now()):
        messages.warning(request, "Too late to cancel: it is on its way already.")
    return redirect_page(request, found.get_absolute_url())


@require_POST
@workspace_required(Role.OPERATOR)
def check_again(request: HttpRequest, membership: Membership, operation_id: UUID) -> HttpResponse:
    """Have a worker look again at what needs attention; the event of what it finds names who asked."""
    found = get_operation_or_404(membership, operation_id)
    if refusal := refuse_if_too_many(request):
        return refusal
    if found.state == State.NEEDS_ATTENTION and not found.resolved_at:
        publish("operations.check_again", found.pk, request.user.pk)
        messages.info(request, "A worker asks Roboflow again. You will see here what it finds.")
    return redirect_page(request, found.get_absolute_url())


@require_POST
@workspace_required(Role.OPERATOR)
def resolve(request: HttpRequest, membership: Membership, operation_id: UUID) -> HttpResponse:
    """Store how it ended, as a person found out."""
    found, form = get_operation_or_404(membership, operation_id), ResolveForm(request.POST)
    if not form.is_valid():
        revision = page_revision(membership.workspace, now=now())
        context = operation_context(found, membership, revision, form)
        return form_page(request, "operations/operation.html", context)
    mark_resolved_by_hand(found, reason=form.cleaned_data["reason"], by=origin_of(request), now=now())
    return redirect_page(request, found.get_absolute_url())


@require_POST
@workspace_required(Role.OPERATOR)
def try_again(request: HttpRequest, membership: Membership, operation_id: UUID) -> HttpResponse:
    """Ask for the same change again, as a new operation."""
    found = get_operation_or_404(membership, operation_id)
    key = require_own_key(request, membership, Kind(found.kind), operation_subject(found))
    if found.state not in (State.NEEDS_ATTENTION, State.FAILED, State.CANCELLED):
        messages.warning(request, "Only what failed, was cancelled or needs attention can be tried again.")
        return redirect_page(request, found.get_absolute_url())
    if refusal := refuse_if_too_many(request):
        return refusal
    asked = ChangeRequest(
        kind=Kind(found.kind),
        workspace=membership.workspace,
        name=found.target_name,
        target_id="" if found.facts.makes_new else found.target_id,
        parameters=found.parameters,
        reason=found.reason,
    )
    token = form_token_of(request)
    again = request_operation(asked, key=key, form_token=token, by=origin_of(request), now=now())
    warn_if_other_operation(request, again, token)
    return redirect_page(request, again.get_absolute_url())
