"""Template tags by which pages of lower rooms show operations: a count, buttons, the latest ones."""

from typing import Any
from uuid import uuid4

from django import template

from deployments.fleet.models import Deployment
from deployments.ledger.models import Operation
from deployments.workspaces.models import Workspace

register = template.Library()


@register.inclusion_tag("operations/_chip.html")
def running_chip(workspace: Workspace) -> dict[str, Any]:
    """Show how many operations of the workspace are open, with a link to them."""
    open_operations = Operation.objects.filter(workspace=workspace).open()  # type: ignore[attr-defined]
    return {"workspace": workspace, "count": open_operations.count()}


@register.inclusion_tag("operations/_buttons.html", takes_context=True)
def action_buttons(context: Any, row: Any, may_act: bool) -> dict[str, Any]:
    """Show the button **Pause** or **Resume** of a row of the fleet, to members who may act."""
    request = context["request"]
    return {
        "row": row,
        "may_act": may_act,
        "request": request,
        "csrf_token": context.get("csrf_token"),
        "token": uuid4(),
        "next": request.path,
    }


@register.inclusion_tag("operations/_latest.html")
def latest_operations(deployment: Deployment) -> dict[str, Any]:
    """Show the eight latest operations on a deployment, newest first."""
    rows = (
        Operation.objects.filter(workspace=deployment.workspace_id, target_id=deployment.deployment_id)
        .select_related("workspace", "actor")
        .order_by("-requested_at")[:8]
    )
    return {"rows": rows, "workspace": deployment.workspace}
