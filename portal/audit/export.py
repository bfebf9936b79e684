"""Records that a person exported data."""

from typing import Any

from django.db import transaction
from django.http import HttpRequest

from portal.audit.actions import Action
from portal.audit.append import Subject, append_event
from portal.audit.origin import origin_of
from portal.clock import now
from portal.web.limits import is_within_limit


def record_export(request: HttpRequest, workspace: Any, *, what: str, format: str) -> bool:
    """Append the event that `what` is exported, with the filter of the request's query string.

    Return False, and record nothing, when the person exceeded the limit "export" of ACCOUNT_RATE_LIMITS.
    """
    if not is_within_limit(request, "export"):
        return False
    query = request.GET.copy()
    query.pop("format", None)
    with transaction.atomic():
        append_event(
            Action.EXPORTED,
            by=origin_of(request),
            at=now(),
            about=Subject(type="export", name=what),
            workspace=workspace,
            changes={"filter": ("", query.urlencode()), "format": ("", format)},
        )
    return True
