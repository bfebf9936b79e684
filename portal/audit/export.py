"""Records that somebody took data out."""

from typing import Any

from allauth.core.exceptions import ImmediateHttpResponse
from django.db import transaction
from django.http import HttpRequest
from django.utils.timezone import now

from portal.audit.actions import Action
from portal.audit.append import Subject, append_event
from portal.audit.origin import origin_of
from portal.web.limits import is_within_limit, too_often_page


def record_export(request: HttpRequest, workspace: Any, *, what: str, format: str) -> None:
    """Append the event that `what` was exported, with the filter of its address; answers at once to whoever exports without end."""
    if not is_within_limit(request, "export"):
        raise ImmediateHttpResponse(
            too_often_page(request, "Those are many exports.")
        )  # allauth's middleware gives the answer
    query = request.GET.copy()
    query.pop("format", None)
    changes = {"filter": ("", query.urlencode()), "format": ("", format)}
    with transaction.atomic():
        append_event(
            Action.EXPORTED,
            by=origin_of(request),
            at=now(),
            about=Subject(type="export", name=what),
            workspace=workspace,
            changes=changes,
        )
