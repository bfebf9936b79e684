"""Views that ask for a change: create, pause, resume, delete, and several at once."""

import json
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.timezone import now
from django.views.decorators.http import require_http_methods, require_POST

from deployments.fleet.guard import deployment_required
from deployments.fleet.models import Deployment
from deployments.fleet.prices import credits_per_hour
from deployments.fleet.store import deployment_subject
from deployments.keys.models import ApiKey
from deployments.keys.own import own_valid_key
from deployments.operations.batch import plan_batch, request_batch, why_impossible
from deployments.operations.forms import (
    BatchForm,
    ChangeForm,
    DeleteForm,
    NewDeploymentForm,
    known_types,
    known_versions,
)
from deployments.operations.models import Operation
from deployments.operations.request import ChangeRequest, operation_of_form, request_operation
from deployments.operations.states import Kind
from deployments.workspaces.guard import record_refusal, workspace_required
from deployments.workspaces.models import Membership
from deployments.workspaces.roles import Role
from portal.audit.actions import Action
from portal.audit.append import Subject
from portal.audit.origin import origin_of
from portal.web.errors import Refused
from portal.web.fragments import announce_change, form_page, redirect_page
from portal.web.limits import is_within_limit, too_often_page
from portal.web.next import safe_next

BATCH_MOST = 100


def require_own_key(request: HttpRequest, membership: Membership, kind: Kind, thing: Subject) -> ApiKey:
    """Return the person's own valid key. Raises Refused; an attempt without one is in the trail."""
    try:
        return own_valid_key(membership)
    except Refused:
        if request.method == "POST":
            record_refusal(request, membership.workspace, Action.of(kind, "refused"), thing)
        raise


def refuse_if_too_many(request: HttpRequest, action: str = "operation") -> HttpResponse | None:
    """Return the answer to somebody who asks for more than a person can want; None while it is fine."""
    return (
        None
        if is_within_limit(request, action)
        else too_often_page(request, "Those are more changes than a person can want.")
    )


def answer_if_posted_before(request: HttpRequest, name: str) -> HttpResponse | None:
    """Lead to the operation that the first post of this very form made, when its answer was lost. Asked before the form is judged: what the first one
    brought about - the name is taken now, the deployment deleted - is no fault of the second."""
    try:
        first = operation_of_form(UUID(request.POST.get("form_token", "")), name, actor_id=request.user.pk)
    except ValueError:
        return None
    return redirect_to_result(request, first) if first else None


def redirect_to_result(request: HttpRequest, operation: Operation) -> HttpResponse:
    """Lead to the page that asked, where that is ours, else to the operation."""
    back = safe_next(request, request.POST.get("next"), "")
    return announce_change(request, back) if back else redirect_page(request, operation_page(operation))


def operation_page(operation: Operation) -> str:
    """Return the address of an operation."""
    return reverse("operations:detail", args=[operation.workspace.slug, operation.pk])


@require_http_methods(["GET", "POST"])
@workspace_required(Role.OPERATOR, refused_as=Action.CREATE_REFUSED)
def new(request: HttpRequest, membership: Membership) -> HttpResponse:
    """Ask for a new deployment."""
    workspace = membership.workspace
    if answered := answer_if_posted_before(request, request.POST.get("deployment_name", "").strip()):
        return answered
    key = require_own_key(
        request,
        membership,
        Kind.CREATE,
        Subject(type="deployment", name=request.POST.get("deployment_name", "")[:100]),
    )
    types = known_types(workspace)
    form = NewDeploymentForm(
        request.POST or None, workspace=workspace, types=types, initial=initial_values(request, membership)
    )
    if not form.is_valid():
        return form_page(
            request,
            "operations/new.html",
            {"form": form, "workspace": workspace, **form_context(workspace, types)},
        )
    if refused := refuse_if_too_many(request):
        return refused
    data = form.cleaned_data
    wish = ChangeRequest(
        kind=Kind.CREATE,
        workspace=workspace,
        name=data["deployment_name"],
        parameters=form.parameters(),
        reason=data["reason"],
    )
    operation = request_operation(
        wish, key=key, form_token=data["form_token"], by=origin_of(request), now=now()
    )
    warn_if_other_operation(request, operation, data["form_token"])
    return redirect_page(request, operation_page(operation))


def initial_values(request: HttpRequest, membership: Membership) -> dict[str, Any]:
    """Return what a fresh form holds: one's own address, or the values of the deployment that it shall be like."""
    like = Deployment.objects.filter(
        workspace=membership.workspace, deployment_id=request.GET.get("like", "")[:100].replace("\x00", "")
    ).first()
    values: dict[str, Any] = {"creator_email": membership.user.email}
    if like:
        names = (
            "deployment_name",
            "machine_type",
            "creator_email",
            "inference_version",
            "min_replicas",
            "max_replicas",
        )
        values |= {name: getattr(like, name) for name in names} | {"duration": like.duration_hours}
    return values


def form_context(workspace: Any, types: list[str]) -> dict[str, Any]:
    """Return what stands beside the form: prices and versions."""
    prices = {name: price for name in types if (price := credits_per_hour(name)) is not None}
    url = settings.ROBOFLOW_REGIONS.get(workspace.region, {}).get("deployments", "")
    return {
        "prices": prices,
        "prices_json": json.dumps(prices),
        "versions": known_versions(workspace),
        "deployments_url": url,
    }


def warn_if_other_operation(request: HttpRequest, operation: Operation, form_token: UUID) -> None:
    """Say so when another operation was there first."""
    if operation.form_token != form_token:
        who = "you" if operation.actor_id == request.user.pk else operation.actor_name
        messages.warning(
            request,
            f"Nothing new was asked: {operation.kind} of {operation.target_name}, asked by {who}, is still under way.",
        )


def request_simple_change(
    request: HttpRequest, membership: Membership, deployment: Deployment, kind: Kind
) -> HttpResponse:
    """Pause or resume: a confirm page for plain forms, one click from rows and headers."""
    if answered := answer_if_posted_before(request, deployment.deployment_name):
        return answered
    key = require_own_key(request, membership, kind, deployment_subject(deployment))
    form = ChangeForm(request.POST or None)
    why_not = why_impossible(kind, deployment, busy=False) if deployment.is_over else ""
    if why_not and form.is_valid():
        form.add_error(None, f"{deployment.deployment_name} {why_not}. Nothing was done.")
        record_refusal(
            request, membership.workspace, Action.of(kind, "refused"), deployment_subject(deployment)
        )
    if not form.is_valid():
        context = {
            "form": form,
            "deployment": deployment,
            "workspace": membership.workspace,
            "kind": kind,
            "why_not": why_not,
        }
        return form_page(request, "operations/confirm.html", context)
    return refuse_if_too_many(request) or request_change(request, membership, deployment, kind, key, form)


def request_change(
    request: HttpRequest,
    membership: Membership,
    deployment: Deployment,
    kind: Kind,
    key: ApiKey,
    form: ChangeForm,
) -> HttpResponse:
    """Ask for the change and lead to where it shows."""
    data = form.cleaned_data
    wish = ChangeRequest(
        kind=kind,
        workspace=membership.workspace,
        name=deployment.deployment_name,
        deployment=deployment,
        reason=data["reason"],
    )
    operation = request_operation(
        wish, key=key, form_token=data["form_token"], by=origin_of(request), now=now()
    )
    warn_if_other_operation(request, operation, data["form_token"])
    return redirect_to_result(request, operation)


@require_http_methods(["GET", "POST"])
@deployment_required(Role.OPERATOR, refused_as=Action.PAUSE_REFUSED)
def pause(request: HttpRequest, membership: Membership, deployment: Deployment) -> HttpResponse:
    """Ask to pause."""
    return request_simple_change(request, membership, deployment, Kind.PAUSE)


@require_http_methods(["GET", "POST"])
@deployment_required(Role.OPERATOR, refused_as=Action.RESUME_REFUSED)
def resume(request: HttpRequest, membership: Membership, deployment: Deployment) -> HttpResponse:
    """Ask to resume."""
    return request_simple_change(request, membership, deployment, Kind.RESUME)


@require_http_methods(["GET", "POST"])
@deployment_required(Role.OPERATOR, refused_as=Action.DELETE_REFUSED)
def delete(request: HttpRequest, membership: Membership, deployment: Deployment) -> HttpResponse:
    """Confirm by typing the name; then the deletion is an operation with its own page."""
    if answered := answer_if_posted_before(request, deployment.deployment_name):
        return answered
    key = require_own_key(request, membership, Kind.DELETE, deployment_subject(deployment))
    form = DeleteForm(request.POST or None, deployment=deployment)
    if form.is_valid() and deployment.is_over:
        form.add_error(
            None, f"{deployment.deployment_name} is {deployment.status or 'gone'} already. Nothing was done."
        )
        record_refusal(request, membership.workspace, Action.DELETE_REFUSED, deployment_subject(deployment))
    if not form.is_valid():
        return form_page(
            request,
            "operations/delete.html",
            {"form": form, "deployment": deployment, "workspace": membership.workspace},
        )
    return refuse_if_too_many(request) or request_change(
        request, membership, deployment, Kind.DELETE, key, form
    )


@require_POST
@workspace_required(Role.OPERATOR)
def batch(request: HttpRequest, membership: Membership) -> HttpResponse:
    """Confirm what will be done with the chosen ones, then ask for each."""
    kind = (
        Kind(request.POST["kind"])
        if request.POST.get("kind") in (Kind.PAUSE, Kind.RESUME, Kind.DELETE)
        else None
    )
    chosen = [one.replace("\x00", "")[:100] for one in request.POST.getlist("deployment")][:BATCH_MOST]
    rows = (
        Deployment.objects.filter(workspace=membership.workspace, deployment_id__in=chosen)
        .select_related("workspace")
        .order_by("deployment_name")
    )
    if kind is None or not rows:
        messages.error(request, "Choose deployments first, then what to do with them.")
        return redirect_page(request, reverse("fleet:list", args=[membership.workspace.slug]))
    key = require_own_key(request, membership, kind, Subject(type="batch", name=f"{len(chosen)} deployments"))
    planned = plan_batch(kind, rows)
    form = BatchForm(request.POST if "form_token" in request.POST else None, deleting=kind == Kind.DELETE)
    if not form.is_valid():
        context = {
            "form": form,
            "plan": planned,
            "kind": kind,
            "chosen": chosen,
            "workspace": membership.workspace,
        }
        return form_page(request, "operations/batch.html", context)
    if refused := refuse_if_too_many(request, "batch"):
        return refused
    token = form.cleaned_data["form_token"]
    request_batch(
        planned,
        key=key,
        reason=form.cleaned_data["reason"],
        form_token=token,
        by=origin_of(request),
        now=now(),
    )
    return redirect_page(
        request, f"{reverse('operations:list', args=[membership.workspace.slug])}?batch={token}"
    )
