"""Guard of the views about one deployment; it includes the guard of the workspace."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from deployments.fleet.models import Deployment
from deployments.fleet.store import deployment_subject
from deployments.workspaces.guard import View, refuse_role, workspace_required
from deployments.workspaces.models import Membership
from deployments.workspaces.roles import Role, is_enough
from portal.audit.actions import Action
from portal.web.errors import NotFound


def deployment_required(needed: Role, *, refused_as: str = Action.ACCESS_REFUSED) -> Callable[[View], View]:
    """Guard a view whose address names a `workspace` and a `deployment_id`.

    The view gets `membership` and `deployment` instead. A deployment that is gone is found too: its page
    shows its history. Answer 404 for an unknown deployment, and 403 for a member whose role is below
    `needed`; the trail gets the refused attempt, under the action `refused_as`, with the deployment's name.
    """

    def guard(view: View) -> View:
        @workspace_required(Role.VIEWER)
        @wraps(view)
        def guarded(
            request: HttpRequest, *args: Any, membership: Membership, deployment_id: str, **kwargs: Any
        ) -> HttpResponseBase:
            rows = Deployment.objects.filter(workspace=membership.workspace, deployment_id=deployment_id)
            deployment = rows.first()
            if deployment is None:
                raise NotFound(
                    _("No such deployment"),
                    _(
                        "This workspace has no deployment with this id. The portal keeps those that are gone"
                        " for %(days)g days; Activity keeps what happened."
                    )
                    % {"days": settings.HISTORY_RETENTION_DAYS},
                )
            if not is_enough(membership.role, needed):
                subject = deployment_subject(deployment)
                refuse_role(request, membership, needed, refused_as=refused_as, about=subject)
            deployment.workspace = membership.workspace  # loaded already
            return view(request, *args, membership=membership, deployment=deployment, **kwargs)

        return guarded

    return guard
