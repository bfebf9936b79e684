"""The view that requests one change for several deployments."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.urls import reverse
from django.views.decorators.http import require_POST

from deployments.fleet.facets import Facets
from deployments.fleet.models import Deployment, DeploymentQuerySet
from deployments.fleet.overview import overview_of
from deployments.ledger.kinds import ON_EXISTING, Kind
from deployments.operations.acting import refuse_if_too_many, require_own_key
from deployments.operations.batch import plan_batch, request_batch
from deployments.operations.forms import BatchForm
from deployments.workspaces.guard import workspace_required
from deployments.workspaces.models import Membership
from deployments.workspaces.roles import Role
from portal.audit.append import Subject
from portal.audit.origin import origin_of
from portal.clock import now
from portal.web.fragments import form_page, redirect_page

MAX_CHOSEN = 500  # in one batch; the form says so, and offers the first ones by name


@require_POST
@workspace_required(Role.OPERATOR)
def batch(request: HttpRequest, membership: Membership) -> HttpResponse:
    """Show what would be done with the chosen deployments; when that is confirmed, request each change."""
    workspace = membership.workspace
    chosen = chosen_deployments(request, membership).select_related("workspace")
    chosen = chosen.order_by("deployment_name", "pk")
    chosen_kind, count = request.POST.get("kind", ""), chosen.count()
    if chosen_kind not in ON_EXISTING or not count:
        messages.error(request, "Choose deployments first, then what to do with them.")
        return redirect_page(request, reverse("fleet:list", args=[workspace.slug]))
    kind = Kind(chosen_kind)
    key = require_own_key(request, membership, kind, Subject(type="batch", name=f"{count} deployments"))
    plan = plan_batch(kind, chosen[:MAX_CHOSEN])
    is_confirmed = "form_token" in request.POST  # the fleet's list posts only the kind and the choice
    form = BatchForm(request.POST if is_confirmed else None, removes=kind.facts.removes)
    if is_confirmed and count > MAX_CHOSEN:
        form.add_error(None, f"At most {MAX_CHOSEN} deployments can be changed at once. Nothing was done.")
    if not form.is_valid():
        context = {
            "form": form,
            "plan": plan,
            "kind": kind,
            "count": count,
            "most": MAX_CHOSEN,
            "left_out": max(0, count - MAX_CHOSEN),
            "workspace": workspace,
        }
        return form_page(request, "operations/batch.html", context)
    if refusal := refuse_if_too_many(request, "batch"):
        return refusal
    form_token = form.cleaned_data["form_token"]
    request_batch(
        plan,
        key=key,
        reason=form.cleaned_data["reason"],
        form_token=form_token,
        by=origin_of(request),
        now=now(),
    )
    return redirect_page(request, f"{reverse('operations:list', args=[workspace.slug])}?batch={form_token}")


def chosen_deployments(request: HttpRequest, membership: Membership) -> DeploymentQuerySet:
    """Return the deployments that were ticked, or all that match the filters of the page they are on."""
    workspace = membership.workspace
    if "everything" in request.POST:
        facets = Facets.from_query(QueryDict(request.POST.get("query", "").removeprefix("?")))
        return facets.filter_deployments(workspace, attention=overview_of(membership).attention)
    ids = set(request.POST.getlist("deployment"))
    ticked: DeploymentQuerySet = Deployment.objects.filter(workspace=workspace, deployment_id__in=ids)
    return ticked
