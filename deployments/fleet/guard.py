"""The only way to one deployment: through the guard of its workspace."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase

from deployments.fleet.models import Deployment
from deployments.fleet.store import deployment_subject
from deployments.workspaces.guard import View, refuse_role, workspace_required
from deployments.workspaces.models import Membership
from deployments.workspaces.roles import Role, is_enough
from portal.audit.actions import Action


def deployment_required(needed: Role, *, refused_as: str = Action.ACCESS_REFUSED) -> Callable[[View], View]:
    """Guard a view whose address names a `workspace` and a `deployment_id`; hand it `membership` and `deployment` instead.

    Those that are gone are found, too: their page is their memorial. A refused attempt names the deployment in the trail.
    """

    def guard(view: View) -> View:
        @workspace_required(Role.VIEWER)
        @wraps(view)
        def guarded(
            request: HttpRequest, *args: Any, membership: Membership, deployment_id: str, **kwargs: Any
        ) -> HttpResponseBase:
            found = Deployment.objects.filter(
                workspace=membership.workspace, deployment_id=deployment_id
            ).first()
            if found is None:
                raise Http404
            if not is_enough(membership.role, needed):
                refuse_role(
                    request, membership, needed, refused_as=refused_as, about=deployment_subject(found)
                )
            found.workspace = membership.workspace
            return view(request, *args, membership=membership, deployment=found, **kwargs)

        return guarded

    return guard
