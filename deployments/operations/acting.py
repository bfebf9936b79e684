"""What all views that request a change share: the own key, rate limits, repeated forms, the next page."""

from uuid import UUID, uuid4

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from deployments.keys.models import ApiKey
from deployments.keys.own import own_valid_key
from deployments.ledger.kinds import Kind, action_of
from deployments.ledger.models import Operation
from deployments.operations.request import operation_of_form
from deployments.workspaces.guard import record_refusal
from deployments.workspaces.models import Membership
from portal.audit.append import Subject
from portal.web.errors import Refused
from portal.web.fragments import announce_change, redirect_page
from portal.web.limits import is_within_limit, too_often_page
from portal.web.next import safe_next


def require_own_key(request: HttpRequest, membership: Membership, kind: Kind, subject: Subject) -> ApiKey:
    """Return the member's own valid key. Raise Refused when there is none; a refused POST is also audited."""
    try:
        return own_valid_key(membership)
    except Refused:
        if request.method == "POST":
            record_refusal(request, membership.workspace, action_of(kind, "refused"), subject)
        raise


def refuse_if_too_many(request: HttpRequest, action: str = "operation") -> HttpResponse | None:
    """Count one request. Return a 429 page if that exceeds the rate limit of `action`, otherwise None."""
    if is_within_limit(request, action):
        return None
    return too_often_page(request, _("You requested many changes within a minute."))


def form_token_of(request: HttpRequest) -> UUID:
    """Return the token of a posted form. A new token replaces one that is missing or is not a UUID."""
    try:
        return UUID(request.POST.get("form_token", ""))
    except ValueError:
        return uuid4()


def answer_if_posted_before(request: HttpRequest, name: str) -> HttpResponse | None:
    """Redirect to the operation that an earlier post of this form created, or return None for a first post.

    Call it before validation: what the first post did (the name is taken, the deployment is deleted) would
    make the same form invalid now.
    """
    if request.method != "POST":
        return None
    first = operation_of_form(form_token_of(request), name, actor_id=request.user.pk)
    return redirect_to_result(request, first) if first else None


def redirect_to_result(request: HttpRequest, operation: Operation) -> HttpResponse:
    """Redirect to the posted `next` if it is a page of the portal, otherwise to the operation's page."""
    back = safe_next(request, request.POST.get("next"), "")
    if back:
        return announce_change(request, back)
    return redirect_page(request, operation.get_absolute_url())


def warn_if_other_operation(request: HttpRequest, operation: Operation, form_token: UUID) -> None:
    """Add a warning to the next page if `operation` was open already, so that this form created nothing."""
    if operation.form_token == form_token:
        return
    who = "you" if operation.actor_id == request.user.pk else operation.actor_name
    earlier = _("%(who)s asked to %(kind)s %(target_name)s before") % {
        "who": who,
        "kind": operation.kind,
        "target_name": operation.target_name,
    }
    messages.warning(
        request,
        _("No new operation was created: %(earlier)s, and that operation has not ended.")
        % {"earlier": earlier},
    )
