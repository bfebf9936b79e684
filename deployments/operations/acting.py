"""What every view that asks for a change does before and after: own key, limits, repeated forms, where to go next."""

from uuid import UUID, uuid4

from django.contrib import messages
from django.http import HttpRequest, HttpResponse

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
    """Return the person's own valid key. Raises Refused, and records an attempt to post without one."""
    try:
        return own_valid_key(membership)
    except Refused:
        if request.method == "POST":
            record_refusal(request, membership.workspace, action_of(kind, "refused"), subject)
        raise


def refuse_if_too_many(request: HttpRequest, action: str = "operation") -> HttpResponse | None:
    """Return the answer to somebody who asks for more changes than a person needs; None while it is fine."""
    if is_within_limit(request, action):
        return None
    return too_often_page(request, "You asked for many changes within a minute.")


def form_token_of(request: HttpRequest) -> UUID:
    """Return the token of a posted form, or a new one when it has none that can be read."""
    try:
        return UUID(request.POST.get("form_token", ""))
    except ValueError:
        return uuid4()


def answer_if_posted_before(request: HttpRequest, name: str) -> HttpResponse | None:
    """Lead to the operation that the first post of this form made, when its answer was lost; None for a first post.

    Call it before the form is validated: what the first post brought about (the name is taken now, the deployment
    deleted) must not be held against the second.
    """
    if request.method != "POST":
        return None
    first = operation_of_form(form_token_of(request), name, actor_id=request.user.pk)
    return redirect_to_result(request, first) if first else None


def redirect_to_result(request: HttpRequest, operation: Operation) -> HttpResponse:
    """Lead back to the page that asked, where that is one of ours, else to the operation."""
    back = safe_next(request, request.POST.get("next"), "")
    if back:
        return announce_change(request, back)
    return redirect_page(request, operation.get_absolute_url())


def warn_if_other_operation(request: HttpRequest, operation: Operation, form_token: UUID) -> None:
    """Tell the person when `operation` is not the one of this form, but one that was open already."""
    if operation.form_token == form_token:
        return
    who = "you" if operation.actor_id == request.user.pk else operation.actor_name
    asked = f"{operation.kind} of {operation.target_name}, asked by {who}"
    messages.warning(request, f"Nothing new was asked: {asked}, is still under way.")
