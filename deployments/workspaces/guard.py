"""The only way into a workspace: signed in, a standing member, with a role that is enough."""

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any

import structlog
from django.contrib.auth.views import redirect_to_login
from django.db import transaction
from django.db.models import Q
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.utils.timezone import now

from deployments.workspaces.models import Membership, Workspace
from deployments.workspaces.roles import Role, is_enough
from portal.audit.actions import Action
from portal.audit.append import Subject, append_event
from portal.audit.origin import origin_of
from portal.web.errors import Refused
from portal.web.limits import is_within_limit

log = structlog.get_logger(__name__)
View = Callable[..., HttpResponseBase]
SAFE = {"GET", "HEAD", "OPTIONS"}
WATCHED_FOR = timedelta(seconds=30)  # after a page was served, somebody is taken to look at it
WATCH_EVERY = timedelta(seconds=10)  # pages poll: do not write each time


def workspace_required(needed: Role, *, refused_as: str = Action.ACCESS_REFUSED) -> Callable[[View], View]:
    """Guard a view whose address names a `workspace`; hand it the member's `membership` instead.

    Strangers get 404, so that addresses tell nothing; members whose role is too low get 403, which names the role
    and who can give it. A refused attempt to change something is in the trail as `refused_as`.
    """

    def guard(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, workspace: str, **kwargs: Any) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return redirect_to_login(request.get_full_path())
            membership = get_membership_or_404(request, workspace)
            if not is_enough(membership.role, needed):
                refuse_role(request, membership, needed, refused_as=refused_as)
            note_visit(request, membership)
            return view(request, *args, membership=membership, **kwargs)

        return guarded

    return guard


def own_memberships(request: HttpRequest) -> list[Membership]:
    """Return the person's standing memberships, read once per request."""
    if not hasattr(request, "memberships"):
        found = list(Membership.objects.of_person(request.user)) if request.user.is_authenticated else []  # type: ignore[arg-type]
        for one in found:
            one.user = request.user  # type: ignore[assignment]
        request.memberships = found  # type: ignore[attr-defined]
    memberships: list[Membership] = request.memberships  # type: ignore[attr-defined]
    return memberships


def get_membership_or_404(request: HttpRequest, slug: str) -> Membership:
    """Return the person's standing membership. For anybody else there is no such workspace: Http404, recorded if they meant to change something."""
    if found := next((one for one in own_memberships(request) if one.workspace.slug == slug), None):
        return found
    if request.method not in SAFE and (workspace := Workspace.objects.filter(slug=slug).first()):
        record_refusal(
            request, workspace, Action.ACCESS_REFUSED, Subject(type="address", name=request.path), reason=""
        )  # a stranger's words are not for members
    raise Http404


def refuse_role(
    request: HttpRequest,
    membership: Membership,
    needed: Role,
    *,
    refused_as: str,
    about: Subject | None = None,
) -> None:
    """Raise Refused, which names the role that is needed and who can give it."""
    if request.method not in SAFE:
        record_refusal(
            request, membership.workspace, refused_as, about or Subject(type="address", name=request.path)
        )
    raise Refused(
        needed=f"the role {needed.value} in {membership.workspace}", who=manager_names(membership.workspace)
    )


def record_refusal(
    request: HttpRequest, workspace: Workspace, action: str, about: Subject, *, reason: str | None = None
) -> None:
    """Write a refused attempt into the trail; far more of them than a person can make go to the log only."""
    if not is_within_limit(request, "refusal"):
        log.warning("refusals_not_recorded", action=str(action), user_id=request.user.pk)
        return
    why = request.POST.get("reason", "") if reason is None else reason
    with transaction.atomic():
        append_event(
            action, by=origin_of(request), at=now(), about=about, workspace=workspace, reason=why[:1000]
        )


def manager_names(workspace: Workspace) -> str:
    """Return the names of those who can give roles."""
    managers = (
        Membership.objects.current().filter(workspace=workspace, role=Role.MANAGER).select_related("user")
    )
    return ", ".join(str(one.user) for one in managers)


def note_visit(request: HttpRequest, membership: Membership) -> None:
    """Keep for this request and for the next visit which workspace is looked at; note that it is watched."""
    request.membership = membership  # type: ignore[attr-defined]
    workspace = membership.workspace
    if request.session.get("workspace") != workspace.slug:
        request.session["workspace"] = workspace.slug
    if request.method == "GET":
        mark_watched(workspace)


def mark_watched(workspace: Workspace) -> None:
    """Note that somebody looks: the sync goes faster. A workspace that nobody watched is read soon."""
    moment = now()
    until = moment + WATCHED_FOR
    if workspace.watched_until and workspace.watched_until > until - WATCH_EVERY:
        return
    rows = Workspace.objects.filter(pk=workspace.pk)
    if workspace.is_watched(moment):
        rows.update(watched_until=until)
        return
    rows.update(watched_until=until, watched_since=moment)
    if not workspace.sync_failures:  # a failing one keeps its back-off
        rows.filter(Q(sync_due_at__gt=moment) | Q(sync_due_at=None)).update(sync_due_at=moment)
