"""The view that asks for one change of several deployments."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.timezone import now
from django.views.decorators.http import require_POST

from deployments.fleet.models import Deployment
from deployments.ledger.kinds import ON_EXISTING, Kind
from deployments.operations.acting import refuse_if_too_many, require_own_key
from deployments.operations.batch import plan_batch, request_batch
from deployments.operations.forms import BatchForm
from deployments.workspaces.guard import workspace_required
from deployments.workspaces.models import Membership
from deployments.workspaces.roles import Role
from portal.audit.append import Subject
from portal.audit.origin import origin_of
from portal.web.fragments import form_page, redirect_page

MAX_CHOSEN = 100


@require_POST
@workspace_required(Role.OPERATOR)
def batch(request: HttpRequest, membership: Membership) -> HttpResponse:
    """Confirm what will be done with the chosen deployments, then ask for each change."""
    workspace, wanted = membership.workspace, request.POST.get("kind", "")
    chosen = [one.replace("\x00", "")[:100] for one in request.POST.getlist("deployment")][:MAX_CHOSEN]
    rows = Deployment.objects.filter(workspace=workspace, deployment_id__in=chosen)
    if wanted not in ON_EXISTING or not rows:
        messages.error(request, "Choose deployments first, then what to do with them.")
        return redirect_page(request, reverse("fleet:list", args=[workspace.slug]))
    kind = Kind(wanted)
    subject = Subject(type="batch", name=f"{len(chosen)} deployments")
    key = require_own_key(request, membership, kind, subject)
    plan = plan_batch(kind, rows.select_related("workspace").order_by("deployment_name"))
    posted = request.POST if "form_token" in request.POST else None
    form = BatchForm(posted, removes=kind.facts.removes)
    if not form.is_valid():
        context = {"form": form, "plan": plan, "kind": kind, "chosen": chosen, "workspace": workspace}
        return form_page(request, "operations/batch.html", context)
    if refusal := refuse_if_too_many(request, "batch"):
        return refusal
    reason, token = form.cleaned_data["reason"], form.cleaned_data["form_token"]
    request_batch(plan, key=key, reason=reason, form_token=token, by=origin_of(request), now=now())
    return redirect_page(request, f"{reverse('operations:list', args=[workspace.slug])}?batch={token}")
