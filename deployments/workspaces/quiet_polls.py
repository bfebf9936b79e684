"""Answers polls that bring nothing with one query, so that it costs little to leave a page open.

A view says that it answered a poll of a member with "nothing new", and of which revision of the workspace
that is true. When the same session asks the same again, the answer is the same as long as the session, the
member with that role and that revision are there. All else, such as the state of the person's key, is looked
at again after RECHECK_SECONDS.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers

from deployments.workspaces.models import Membership, Workspace
from deployments.workspaces.revision import page_revision
from portal.accounts.models import User
from portal.clock import now, steady_seconds
from portal.web.fragments import is_poll, nothing_new

RECHECK_SECONDS = 18  # less than a page counts as open: views extend that (guard.py)
MOST_REMEMBERED = 20_000  # polls of different pages and sessions, in one process
Asked = tuple[str, str, str]  # session, address with its query string, element
# Written out, as making a query takes Django longer than running this one.
FRESH = (
    "SELECT workspace.id, revision, watched_since, watched_until, synced_at, sync_error_reading"  # noqa: S608
    f" FROM {Workspace._meta.db_table} AS workspace"
    f" JOIN {Membership._meta.db_table} AS membership ON membership.workspace_id = workspace.id"
    f" JOIN {User._meta.db_table} AS person ON person.id = membership.user_id,"
    f" {Session._meta.db_table} AS session"
    " WHERE session_key = %s AND expire_date > %s"
    " AND membership.id = %s AND membership.role = %s AND membership.removed_at IS NULL AND person.is_active"
)


@dataclass(frozen=True)
class QuietPoll:
    """A poll that was answered with "nothing new"."""

    checked_at: float  # of the steady clock, in seconds
    membership_pk: int
    role: str
    revision: str  # of the workspace, as page_revision() tells it


remembered: dict[Asked, QuietPoll] = {}


class QuietPollMiddleware:
    """Answers a poll by itself when that is all right; otherwise remembers what the view answers."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Return the answer to the request."""
        asked = asked_by(request)
        if asked is None:
            return self.get_response(request)
        if answer := quiet_answer(asked):
            return answer
        response = self.get_response(request)
        if membership := getattr(response, "quiet_for", None):
            remember(asked, membership)
        return response


def asked_by(request: HttpRequest) -> Asked | None:
    """Return what a poll of somebody who is signed in asks for, or None for any other request."""
    session = request.COOKIES.get(settings.SESSION_COOKIE_NAME)
    if not (session and is_poll(request)):
        return None
    return session, request.get_full_path(), request.htmx.target or ""  # type: ignore[attr-defined]


def quiet_answer(asked: Asked) -> HttpResponse | None:
    """Return "nothing new" if that was the answer lately and is still true, otherwise None."""
    known, current_time, workspace = remembered.get(asked), now(), None
    if known and steady_seconds() - known.checked_at < RECHECK_SECONDS:
        workspace = fresh_workspace(known, session=asked[0], now=current_time)
    if not (known and workspace and page_revision(workspace, now=current_time) == known.revision):
        remembered.pop(asked, None)
        return None
    response = nothing_new(workspace.synced_at)
    patch_vary_headers(response, ("Cookie",))
    return response


def fresh_workspace(known: QuietPoll, *, session: str, now: datetime) -> Workspace | None:
    """Return what page_revision() needs of the workspace; None when the session is over or the person out."""
    expires = connection.ops.adapt_datetimefield_value(now)
    values = [session, expires, known.membership_pk, known.role]
    return next(iter(Workspace.objects.raw(FRESH, values)), None)


def remember(asked: Asked, membership: Membership) -> None:
    """Remember that the answer to a member was "nothing new"."""
    if len(remembered) >= MOST_REMEMBERED:
        remembered.clear()
    revision = page_revision(membership.workspace, now=now())
    remembered[asked] = QuietPoll(steady_seconds(), membership.pk, membership.role, revision)


def nothing_new_for(membership: Membership) -> HttpResponse:
    """Return "nothing new" to a member, marked: it stays true until a change of the workspace."""
    response = nothing_new(membership.workspace.synced_at)
    response.quiet_for = membership  # type: ignore[attr-defined]
    return response
