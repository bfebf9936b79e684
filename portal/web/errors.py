"""Friendly pages for what went wrong; nothing that a person typed is lost."""

import sys
from typing import Any

import structlog
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db import InterfaceError, InternalError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string

SECRETS = (
    "password",
    "api_key",
    "secret",
    "code",
    "credential",
)  # parts of names whose values are never given back
FOREIGN = (
    "Origin checking",
    "Referer checking",
)  # how Django's reasons begin when another site sent the form


class Refused(PermissionDenied):
    """Not allowed; names what is needed and who can give it."""

    def __init__(self, *, needed: str, who: str = "") -> None:
        super().__init__(f"This needs {needed}.")
        self.needed, self.who = needed, who


def is_sent_by_htmx(request: HttpRequest) -> bool:
    """Say whether htmx asks; by the header, because a problem may come before any middleware has run."""
    return request.headers.get("HX-Request") == "true"


def problem_page(request: HttpRequest, status: int, title: str, message: str, **context: Any) -> HttpResponse:
    """Render the page of a problem; to htmx a short text, which its banner shows. It asks no database: that may be the problem."""
    if is_sent_by_htmx(request):
        return HttpResponse(f"{title}. {message}", status=status, content_type="text/plain; charset=utf-8")
    facts = {"request": request, "title": title, "message": message, "status": status, **context}
    return HttpResponse(render_to_string("web/problem.html", facts), status=status)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """400: what came is no proper request."""
    if isinstance(exception, RequestDataTooBig):
        return too_large(request)
    return problem_page(
        request, 400, "That request makes no sense", "The portal could not read it. Nothing was done."
    )


def too_large(request: HttpRequest) -> HttpResponse:
    """413: far more was sent than any form of ours holds."""
    return problem_page(
        request, 413, "That is too much", "No form of the portal takes more than 1 MB. Nothing was done."
    )


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """403: names the role that is needed and who can give it."""
    needed, who = getattr(exception, "needed", ""), getattr(exception, "who", "")
    message = f"This needs {needed}." if needed else "You may not do this."
    return problem_page(request, 403, "You may not do this", message, who=who)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """404: there is nothing, or nothing that this person may see."""
    return problem_page(
        request,
        404,
        "Nothing here",
        "There is no such page, or it is in a workspace that you are not a member of.",
    )


def too_many(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """429 of allauth's pages: too many tries at passwords, codes, links."""
    response = problem_page(
        request, 429, "Too many tries", "Wait some minutes and try again. Nothing was done."
    )
    response["Retry-After"] = "300"
    return response


def server_error(request: HttpRequest) -> HttpResponse:
    """500: our fault, written to the log with the request's id. 503 where it is the database's."""
    if isinstance(sys.exc_info()[1], OperationalError | InternalError | InterfaceError):
        response = problem_page(
            request,
            503,
            "The database is away",
            "It does not answer, or it takes no changes now. What is missing stands at /readyz. Try again in a moment.",
        )
        response["Retry-After"] = "5"
        return response
    request_id = structlog.contextvars.get_contextvars().get("request_id", "")
    message = "This is the portal's fault. It is written to the log"
    return problem_page(
        request,
        500,
        "Something broke",
        f"{message} as request {request_id}." if request_id else f"{message}.",
    )


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The form's mark was stale (another tab signed in, a cookie ran out): give the form back with a fresh one."""
    if is_sent_by_htmx(request):
        return HttpResponse(
            "This page is stale. Reload it.", status=403, content_type="text/plain; charset=utf-8"
        )
    if reason.startswith(FOREIGN):  # what another site filled in must not become a click away from being ours
        return problem_page(
            request, 403, "This form is not ours", "It was sent from another site. Nothing was done."
        )
    fields = [
        (name, value)
        for name, values in request.POST.lists()
        for value in values
        if name != "csrfmiddlewaretoken"
    ]
    kept = [(name, value) for name, value in fields if not is_secret(name)]
    context = {"fields": kept, "lost": len(kept) < len(fields), "action": request.get_full_path()}
    return render(request, "web/stale.html", context, status=403)


def is_secret(name: str) -> bool:
    """Say whether a field holds what is never sent back."""
    return any(secret in name.lower() for secret in SECRETS)
