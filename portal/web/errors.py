"""Friendly pages for what went wrong; nothing that a person typed is lost."""

from typing import Any

import structlog
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

log = structlog.get_logger(__name__)
SECRETS = ("password", "api_key", "token", "csrfmiddlewaretoken")  # names, or parts of names, that are never given back


class Refused(PermissionDenied):
    """Not allowed; names what is needed and who can give it."""

    def __init__(self, *, needed: str, who: str = "") -> None:
        super().__init__(f"This needs {needed}.")
        self.needed, self.who = needed, who


def problem(request: HttpRequest, status: int, title: str, message: str, **context: Any) -> HttpResponse:
    """Render the page of a problem; to htmx a short text, which its banner shows."""
    if getattr(request, "htmx", None):
        return HttpResponse(f"{title}. {message}", status=status, content_type="text/plain; charset=utf-8")
    return render(request, "web/problem.html", {"title": title, "message": message, "status": status, **context}, status=status)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """400: what came is no proper request."""
    return problem(request, 400, "That request makes no sense", "The portal could not read it. Nothing was done.")


def too_large(request: HttpRequest) -> HttpResponse:
    """413: far more was sent than any form of ours holds."""
    return problem(request, 413, "That is too much", "No form of the portal takes more than 1 MB. Nothing was done.")


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """403: names the role that is needed and who can give it."""
    needed, who = getattr(exception, "needed", ""), getattr(exception, "who", "")
    message = f"This needs {needed}." if needed else "You may not do this."
    return problem(request, 403, "You may not do this", message, who=who)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """404: there is nothing, or nothing that this person may see."""
    return problem(request, 404, "Nothing here", "There is no such page, or it is in a workspace that you are not a member of.")


def server_error(request: HttpRequest) -> HttpResponse:
    """500: our fault, written to the log with the request's id."""
    request_id = structlog.contextvars.get_contextvars().get("request_id", "")
    message = "This is the portal's fault. It is written to the log"
    return problem(request, 500, "Something broke", f"{message} as request {request_id}." if request_id else f"{message}.")


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The form's mark was stale (another tab signed in, a cookie ran out): give the form back with a fresh one."""
    if getattr(request, "htmx", None):
        return HttpResponse("This page is stale. Reload it.", status=403, content_type="text/plain; charset=utf-8")
    fields = [
        (name, value)
        for name, values in request.POST.lists()
        for value in values
        if not any(secret in name.lower() for secret in SECRETS) and isinstance(value, str)
    ]
    lost = any(any(secret in name.lower() for secret in SECRETS[:2]) for name in request.POST)
    context = {"fields": fields, "action": request.get_full_path(), "lost": lost}
    return render(request, "web/stale.html", context, status=403)
