"""Begins exports: one at a time for each person, and recorded before the first byte is sent."""

from typing import Any

import structlog
from django.conf import settings
from django.db import DatabaseError, transaction
from django.http import HttpRequest, HttpResponse

from portal.audit.actions import Action
from portal.audit.append import Subject, append_event
from portal.audit.origin import origin_of
from portal.clock import now
from portal.queue.lease import Held, release_lease, take_lease
from portal.web.downloads import Download, reserve_download
from portal.web.limits import export_running_page, exports_busy_page, is_within_limit, too_many_exports_page

log = structlog.get_logger(__name__)
SPARE_SECONDS = 60  # after the longest export, until somebody whose export was killed may begin another


def begin_export(request: HttpRequest, workspace: Any, *, what: str, format: str) -> Download | HttpResponse:
    """Append the event that `what` is exported, and return the download to fill.

    Return a page instead, and record nothing, when the person exceeded the limit "export" of
    ACCOUNT_RATE_LIMITS (429), when another export of theirs is running (429), or when this process sends as
    many as it may (503). The right to export ends with the download, or by time when its process was killed.
    """
    if not is_within_limit(request, "export"):
        return too_many_exports_page(request)
    download = reserve_download()
    if download is None:
        return exports_busy_page(request)
    lease = take_lease(
        f"export of person {request.user.pk}", seconds=settings.EXPORT_SECONDS + SPARE_SECONDS, now=now()
    )
    if lease is None:
        download.close()
        return export_running_page(request)
    download.on_end = lambda: end_export(lease)
    try:
        record_export(request, workspace, what=what, format=format)
    except BaseException:
        download.close()
        raise
    return download


def end_export(lease: Held) -> None:
    """Let the person export again."""
    try:
        release_lease(lease, now=now())
    except DatabaseError as error:
        log.warning("export_lease_not_released", lease=lease.name, error=type(error).__name__)  # ends by time


def record_export(request: HttpRequest, workspace: Any, *, what: str, format: str) -> None:
    """Append the event that `what` is exported, with the filter of the request's query string."""
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
