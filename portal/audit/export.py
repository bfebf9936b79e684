"""Records that somebody took data out."""

from typing import Any

from allauth.core.exceptions import ImmediateHttpResponse
from django.db import transaction
from django.http import HttpRequest
from django.utils.timezone import now

from portal.audit.actions import Action
from portal.audit.append import Thing, append
from portal.audit.origin import origin_of
from portal.web.limits import too_often, within


def export_made(request: HttpRequest, workspace: Any, *, what: str, format: str) -> None:
    """Append the event that `what` was exported, with the filter of its address; answers at once to whoever exports without end."""
    if not within(request, "export"):
        raise ImmediateHttpResponse(
            too_often(request, "Those are many exports.")
        )  # allauth's middleware gives the answer
    query = request.GET.copy()
    query.pop("format", None)
    changes = {"filter": ("", query.urlencode()), "format": ("", format)}
    with transaction.atomic():
        append(
            Action.EXPORTED,
            by=origin_of(request),
            at=now(),
            about=Thing(type="export", name=what),
            workspace=workspace,
            changes=changes,
        )
