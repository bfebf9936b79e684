"""Guards every page of a workspace: the person must be signed in, a current member, with the needed role."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial, wraps
from typing import Any

import structlog
from django.contrib.auth.views import redirect_to_login
from django.db import transaction
from django.db.models import Q
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from deployments.workspaces.models import Membership, Workspace
from deployments.workspaces.roles import Role, is_enough
from portal.audit.actions import Action
from portal.audit.append import Subject, append_event
from portal.audit.origin import origin_of
from portal.clock import now
from portal.queue.publish import publish
from portal.web.errors import Refused
from portal.web.limits import is_within_limit
from portal.web.patience import write_if_free

log = structlog.get_logger(__name__)
View = Callable[..., HttpResponseBase]
SAFE = {"GET", "HEAD", "OPTIONS"}
MAX_REASON = 1000  # characters of a refused attempt's reason that are kept; the entry says when it is cut
WATCHED_FOR = timedelta(seconds=30)  # after a page was served: somebody has it open
WATCH_EVERY = timedelta(seconds=10)  # pages poll, so watched_until is not written each time


def workspace_required(needed: Role, *, refused_as: str = Action.ACCESS_REFUSED) -> Callable[[View], View]:
    """Guard a view whose address names a `workspace`: the view gets the person's `membership` instead.

    A person who is no member gets 404, so an address does not show whether the workspace exists. A member
    whose role is too low gets 403, with the role that is needed and who can give it. A refused attempt to
    change something is audited as `refused_as`.
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
    """Return the current memberships of the person who is signed in, read once per request."""
    if not hasattr(request, "memberships"):
        found: list[Membership] = []
        if request.user.is_authenticated:
            found = list(Membership.objects.of_person(request.user))
        for membership in found:
            membership.user = request.user  # type: ignore[assignment]
        request.memberships = found  # type: ignore[attr-defined]
    memberships: list[Membership] = request.memberships  # type: ignore[attr-defined]
    return memberships


def get_membership_or_404(request: HttpRequest, slug: str) -> Membership:
    """Return the person's current membership in the workspace with this slug.

    Raises Http404 when there is none; an attempt to change something is audited then.
    """
    for membership in own_memberships(request):
        if membership.workspace.slug == slug:
            return membership
    if request.method not in SAFE and (workspace := Workspace.objects.filter(slug=slug).first()):
        subject = Subject(type="address", name=request.path)
        # Without the reason: members should not have to read what a stranger typed.
        record_refusal(request, workspace, Action.ACCESS_REFUSED, subject, reason="")
    raise Http404


def refuse_role(
    request: HttpRequest,
    membership: Membership,
    needed: Role,
    *,
    refused_as: str,
    about: Subject | None = None,
) -> None:
    """Raise Refused, with the needed role and who can give it. An attempt to change something is audited."""
    if request.method not in SAFE:
        subject = about or Subject(type="address", name=request.path)
        record_refusal(request, membership.workspace, refused_as, subject)
    raise Refused(
        needed=_("the role %(role)s in %(workspace)s")
        % {"role": needed.value, "workspace": membership.workspace},
        who=manager_names(membership.workspace),
    )


def record_refusal(
    request: HttpRequest, workspace: Workspace, action: str, about: Subject, *, reason: str | None = None
) -> None:
    """Audit a refused attempt, with `reason` or the one in the form.

    Above a limit that no person reaches by hand, attempts are only logged: nobody can flood the trail.
    """
    if not is_within_limit(request, "refusal"):
        log.warning("refusals_not_recorded", action=str(action), user_id=request.user.pk)
        return
    if reason is None:
        reason = request.POST.get("reason", "")
    with transaction.atomic():
        append_event(
            action,
            by=origin_of(request),
            at=now(),
            about=about,
            workspace=workspace,
            reason=reason if len(reason) <= MAX_REASON else f"{reason[:MAX_REASON]}... (cut)",
        )


def manager_names(workspace: Workspace) -> str:
    """Return the names of the workspace's managers, who can give roles."""
    managers = Membership.objects.current().filter(workspace=workspace, role=Role.MANAGER)
    return ", ".join(str(manager.user) for manager in managers.select_related("user"))


def note_visit(request: HttpRequest, membership: Membership) -> None:
    """Remember the workspace for this request and as the one used last; a GET also marks it as watched."""
    request.membership = membership  # type: ignore[attr-defined]
    workspace = membership.workspace
    if request.session.get("workspace") != workspace.slug:
        request.session["workspace"] = workspace.slug
    if request.method == "GET":
        mark_watched(workspace)


def mark_watched(workspace: Workspace) -> None:
    """Write that somebody has a page of the workspace open, so that it is synced more often.

    If nobody had one open before, it is also due at once; a failing workspace keeps its back-off. While the
    database is busy nothing is written, and the next poll tries again.
    """
    current_time = now()
    watched_until = current_time + WATCHED_FOR
    if not (workspace.watched_until and workspace.watched_until > watched_until - WATCH_EVERY):
        write_if_free(partial(store_watched, workspace, watched_until, now=current_time))


def store_watched(workspace: Workspace, watched_until: datetime, *, now: datetime) -> None:
    """Store that the workspace is watched until `watched_until`; make it due if it was not watched before."""
    rows = Workspace.objects.filter(pk=workspace.pk)
    if workspace.is_watched(now):
        rows.update(watched_until=watched_until)
        return
    rows.update(watched_until=watched_until, watched_since=now)
    if not workspace.sync_failures:
        is_later = Q(sync_due_at__gt=now) | Q(sync_due_at=None)
        rows.filter(is_later).update(sync_due_at=now)
    # Beat looks rarely for what is due while nobody has a page open.
    transaction.on_commit(partial(publish, "logs.read_due"), robust=True)
