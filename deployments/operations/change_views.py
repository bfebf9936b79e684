"""Views that request one change: a new deployment, or a change of an existing one."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from deployments.fleet.guard import deployment_required
from deployments.fleet.machines import known_types, type_texts
from deployments.fleet.models import Deployment
from deployments.fleet.prices import credits_per_hour
from deployments.fleet.store import deployment_subject
from deployments.keys.models import ApiKey
from deployments.ledger.kinds import Kind, action_of, why_impossible
from deployments.ledger.models import Operation
from deployments.operations.acting import (
    answer_if_posted_before,
    redirect_to_result,
    refuse_if_too_many,
    require_own_key,
    warn_if_other_operation,
)
from deployments.operations.batch import why_over
from deployments.operations.create_summary import create_summary
from deployments.operations.forms import (
    PARAMETERS,
    ChangeForm,
    ConfirmNameForm,
    NewDeploymentForm,
    known_versions,
)
from deployments.operations.request import ChangeRequest, request_operation
from deployments.workspaces.guard import record_refusal, workspace_required
from deployments.workspaces.models import Membership
from deployments.workspaces.roles import Role
from portal.audit.append import Subject
from portal.audit.origin import origin_of
from portal.clock import now
from portal.web.fragments import form_page, redirect_page


@require_http_methods(["GET", "POST"])
@workspace_required(Role.OPERATOR, refused_as=action_of(Kind.CREATE, "refused"))
def new(request: HttpRequest, membership: Membership) -> HttpResponse:
    """Request a new deployment."""
    workspace = membership.workspace
    name = request.POST.get("deployment_name", "").strip()
    if answer := answer_if_posted_before(request, name):
        return answer
    key = require_own_key(request, membership, Kind.CREATE, Subject(type="deployment", name=name[:100]))
    types = known_types(workspace)
    form = NewDeploymentForm(
        request.POST or None,
        workspace=workspace,
        types=types,
        initial=initial_values(request, membership),
    )
    if not form.is_valid():
        return form_page(request, "operations/new.html", new_context(form, types))
    if refusal := refuse_if_too_many(request):
        return refusal
    change = ChangeRequest(
        kind=Kind.CREATE,
        workspace=workspace,
        name=form.cleaned_data["deployment_name"],
        parameters=form.parameters(),
        reason=form.cleaned_data["reason"],
    )
    operation = request_from_form(request, change, form, key=key)
    return redirect_page(request, operation.get_absolute_url())


@require_POST
@workspace_required(Role.OPERATOR, refused_as=action_of(Kind.CREATE, "refused"))
def new_summary(request: HttpRequest, membership: Membership) -> HttpResponse:
    """Return what the page of a new deployment tells about the values that a person has typed so far.

    It asks for nothing. It is a POST, so that what somebody typed is in no address and in no log.
    """
    workspace = membership.workspace
    form = NewDeploymentForm(request.POST, workspace=workspace, types=known_types(workspace))
    context = {"summary": create_summary(form, now=now()), "is_update": True}
    return render(request, "operations/_summary.html", context)


def initial_values(request: HttpRequest, membership: Membership) -> dict[str, Any]:
    """Return a form's first values: those of the deployment in `?like=`, or what the person chose last."""
    like_id = request.GET.get("like", "")
    like = Deployment.objects.filter(workspace=membership.workspace, deployment_id=like_id).first()
    if like is None:
        return {"creator_email": membership.user.email, **last_choices(membership)}
    values = {name: getattr(like, name) for name in PARAMETERS if name != "duration"}
    return values | {"duration": like.duration_hours}


def last_choices(membership: Membership) -> dict[str, Any]:
    """Return what the person chose for the last deployment that they created here, but for its name."""
    created = Operation.objects.filter(
        workspace=membership.workspace, actor=membership.user, kind=Kind.CREATE
    )
    last = created.order_by("-requested_at").first()
    chosen = last.parameters if last else {}
    return {name: chosen[name] for name in PARAMETERS if name in chosen and name != "deployment_name"}


def new_context(form: NewDeploymentForm, types: list[str]) -> dict[str, Any]:
    """Return what the page of a new deployment shows: tiles of machines with their prices, the summary."""
    more = ("creator_email", "inference_version", "reason")
    return {
        "form": form,
        "workspace": form.workspace,
        "prices": {name: credits_per_hour(name) for name in types},
        "texts": type_texts(form.workspace, types),
        "versions": known_versions(form.workspace),
        "summary": create_summary(form, now=now()),
        "has_wrong_options": any(form.errors.get(name) for name in more),
    }


def change_view(kind: Kind) -> Callable[..., HttpResponseBase]:
    """Return the view that confirms and requests `kind` for one existing deployment."""

    @require_http_methods(["GET", "POST"])
    @deployment_required(Role.OPERATOR, refused_as=action_of(kind, "refused"))
    def change_deployment(
        request: HttpRequest, membership: Membership, deployment: Deployment
    ) -> HttpResponse:
        if answer := answer_if_posted_before(request, deployment.deployment_name):
            return answer
        key = require_own_key(request, membership, kind, deployment_subject(deployment))
        form = form_for(kind, request, deployment)
        why_not = why_over(deployment) if deployment.is_over else why_impossible(kind, deployment.status)
        # A stored status may be out of date: the worker asks Roboflow for the present one before it sends.
        if deployment.is_over and form.is_valid():
            refuse_ended(request, kind, deployment, form, why_not)
        if not form.is_valid():
            return confirm_page(request, kind, deployment, form, why_not)
        if refusal := refuse_if_too_many(request):
            return refusal
        change = ChangeRequest(
            kind=kind,
            workspace=membership.workspace,
            name=deployment.deployment_name,
            target_id=deployment.deployment_id,
            reason=form.cleaned_data["reason"],
        )
        return redirect_to_result(request, request_from_form(request, change, form, key=key))

    change_deployment.__name__ = str(kind)
    change_deployment.__doc__ = f"Confirm and request to {kind} one deployment."
    return change_deployment


def form_for(kind: Kind, request: HttpRequest, deployment: Deployment) -> ChangeForm:
    """Return the form of `kind`: a change that removes a deployment requires its typed name and a reason."""
    if kind.facts.removes:
        return ConfirmNameForm(request.POST or None, deployment=deployment)
    return ChangeForm(request.POST or None)


def refuse_ended(
    request: HttpRequest, kind: Kind, deployment: Deployment, form: ChangeForm, why_not: str
) -> None:
    """Make the form invalid because the deployment has ended, and audit the refusal."""
    form.add_error(
        None,
        _("%(deployment_name)s %(why_not)s already. Nothing was done.")
        % {"deployment_name": deployment.deployment_name, "why_not": why_not},
    )
    refused = action_of(kind, "refused")
    record_refusal(request, deployment.workspace, refused, deployment_subject(deployment))


def confirm_page(
    request: HttpRequest, kind: Kind, deployment: Deployment, form: ChangeForm, why_not: str
) -> HttpResponse:
    """Return the page on which a person confirms a change; it shows `why_not` if that is not empty."""
    context = {
        "form": form,
        "deployment": deployment,
        "workspace": deployment.workspace,
        "kind": kind,
        "why_not": why_not,
    }
    template = "operations/delete.html" if kind.facts.removes else "operations/confirm.html"
    return form_page(request, template, context)


def request_from_form(
    request: HttpRequest, change: ChangeRequest, form: ChangeForm, *, key: ApiKey
) -> Operation:
    """Request the change and return its operation; warn on the next page if another one was open already."""
    form_token = form.cleaned_data["form_token"]
    operation = request_operation(change, key=key, form_token=form_token, by=origin_of(request), now=now())
    warn_if_other_operation(request, operation, form_token)
    return operation
