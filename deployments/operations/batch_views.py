"""One change for several deployments: the confirmation, and the page that tells what became of it."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from deployments.fleet.facets import Facets
from deployments.fleet.models import Deployment, DeploymentQuerySet
from deployments.fleet.overview import overview_of
from deployments.ledger.kinds import ON_EXISTING, Kind
from deployments.ledger.models import Batch
from deployments.operations.acting import refuse_if_too_many, require_own_key
from deployments.operations.batch import plan_batch, request_batch
from deployments.operations.batch_page import BatchPage
from deployments.operations.forms import BatchForm
from deployments.workspaces.guard import workspace_required
from deployments.workspaces.models import Membership
from deployments.workspaces.revision import page_revision, parse_revision
from deployments.workspaces.roles import Role, is_enough
from portal.audit.append import Subject
from portal.audit.origin import origin_of
from portal.clock import now
from portal.web.fragments import (
    form_page,
    is_unchanged,
    nothing_new,
    page_or_part,
    redirect_page,
    wants_part,
)

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
        messages.error(request, _("Choose deployments first, then what to do with them."))
        return redirect_page(request, reverse("fleet:list", args=[workspace.slug]))
    kind = Kind(chosen_kind)
    key = require_own_key(request, membership, kind, Subject(type="batch", name=f"{count} deployments"))
    plan = plan_batch(kind, chosen[:MAX_CHOSEN])
    is_confirmed = "form_token" in request.POST  # the fleet's list posts only the kind and the choice
    form = BatchForm(request.POST if is_confirmed else None, removes=kind.facts.removes)
    if is_confirmed and count > MAX_CHOSEN:
        form.add_error(
            None,
            _("At most %(most)s deployments can be changed at once. Nothing was done.")
            % {"most": MAX_CHOSEN},
        )
    if not form.is_valid():
        context = {
            "form": form,
            "plan": plan,
            "kind": kind,
            "count": count,
            "most": MAX_CHOSEN,
            "left_out": max(0, count - MAX_CHOSEN),
            "workspace": workspace,
            "query": request.POST.get("query", ""),
        }
        return form_page(request, "operations/batch.html", context)
    if refusal := refuse_if_too_many(request, "batch"):
        return refusal
    form_token = form.cleaned_data["form_token"]
    requested = request_batch(
        plan,
        key=key,
        reason=form.cleaned_data["reason"],
        form_token=form_token,
        by=origin_of(request),
        now=now(),
        query=request.POST.get("query", ""),
    )
    return redirect_page(request, requested.get_absolute_url())


@require_safe
@workspace_required(Role.VIEWER)
def batch_detail(request: HttpRequest, membership: Membership, batch_id: UUID) -> HttpResponse:
    """Show what became of a batch: its sums and each of its deployments.

    The page updates by itself: it asks for the sums and for the rows that changed since.
    """
    workspace = membership.workspace
    found = (
        Batch.objects.filter(workspace=workspace, pk=batch_id).select_related("workspace", "actor").first()
    )
    if found is None:
        raise Http404
    rev = page_revision(workspace, now=now())
    if is_unchanged(request, rev):
        return nothing_new(workspace.synced_at)
    shown = parse_revision(request.GET.get("rev", "").partition(".")[0]) or 0
    context = {
        "page": BatchPage(found, since=shown if wants_part(request, "batch") else None),
        "workspace": workspace,
        "rev": rev,
        "may_act": is_enough(membership.role, Role.OPERATOR),
    }
    return page_or_part(
        request, "operations/batch_detail.html", context, part="operations/_batch.html", region="batch"
    )


def chosen_deployments(request: HttpRequest, membership: Membership) -> DeploymentQuerySet:
    """Return the deployments that were ticked, or all that match the filters of the page they are on."""
    workspace = membership.workspace
    if "everything" in request.POST:
        facets = Facets.from_query(QueryDict(request.POST.get("query", "").removeprefix("?")))
        return facets.filter_deployments(workspace, attention=overview_of(membership).attention)
    ids = set(request.POST.getlist("deployment"))
    ticked: DeploymentQuerySet = Deployment.objects.filter(workspace=workspace, deployment_id__in=ids)
    return ticked
