"""Pages for errors. They say what to do next, and keep what a person typed."""

import sys
from typing import Any

import structlog
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db import InterfaceError, InternalError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from portal.web.masking import mask_stored_keys
from portal.web.patience import is_busy

SECRETS = ("password", "api_key", "secret", "code", "credential")  # parts of the names of secret fields
FOREIGN = ("Origin checking", "Referer checking")  # Django's reasons begin so when another site sent the form
TEXT = "text/plain; charset=utf-8"
DATABASE_ERRORS = (OperationalError, InternalError, InterfaceError)


class Refused(PermissionDenied):
    """The person may not do this. `needed` names the missing right, `who` somebody who can grant it."""

    def __init__(self, *, needed: str, who: str = "") -> None:
        super().__init__(_("This needs %(needed)s.") % {"needed": needed})
        self.needed, self.who = needed, who


class NotFound(Http404):
    """There is no such thing, in the words of `title` and `message`: for people who may know that."""

    def __init__(self, title: str, message: str) -> None:
        super().__init__(message)
        self.title, self.message = title, message


def is_sent_by_htmx(request: HttpRequest) -> bool:
    """Return whether htmx sent the request.

    This reads the header, because an error can occur before django-htmx's middleware sets `request.htmx`.
    """
    return request.headers.get("HX-Request") == "true"


def problem_page(
    request: HttpRequest,
    status: int,
    title: str,
    message: str,
    *,
    retry_after: int | None = None,
    **context: Any,
) -> HttpResponse:
    """Return the page of an error, or a short text for htmx, which shows it in a banner.

    `retry_after` says after how many seconds to try again. A signed-in person keeps the frame with its links.
    The page of a database that does not answer (503) has no frame, and makes no query.
    """
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    if is_sent_by_htmx(request):
        return HttpResponse(f"{title}. {message}", status=status, content_type=TEXT, headers=headers)
    context |= {"request": request, "title": title, "message": message, "status": status}
    return HttpResponse(render_problem(request, context), status=status, headers=headers)


def render_problem(request: HttpRequest, context: dict[str, Any]) -> str:
    """Return the HTML of a problem, in the frame of the portal if that can be had."""
    if context["status"] != 503 and has_frame(request):
        try:
            return render_to_string("web/problem.html", context | {"frame": "web/layout.html"}, request)
        except Exception:  # noqa: BLE001 - what broke the page can break the frame, too
            structlog.get_logger(__name__).exception("frame_not_rendered")
    return render_to_string("web/problem.html", context | {"frame": "web/plain.html"})


def has_frame(request: HttpRequest) -> bool:
    """Return whether the person is signed in, and owes no second factor: their pages have a frame."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return False
    return not getattr(user, "owes_second_factor", False)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """400: the request cannot be read."""
    if isinstance(exception, RequestDataTooBig):
        return too_large(request)
    message = _("The portal could not read your request. Nothing was done.")
    return problem_page(request, 400, _("Your request is not valid"), message)


def too_large(request: HttpRequest) -> HttpResponse:
    """413: the request is larger than any form of the portal."""
    message = _("No form of the portal takes more than 1 MB. Nothing was done.")
    return problem_page(request, 413, _("That is too much"), message)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """403: the page names the right that is needed and who can grant it, if `exception` is Refused."""
    needed, who = getattr(exception, "needed", ""), getattr(exception, "who", "")
    message = _("This needs %(needed)s.") % {"needed": needed} if needed else _("You may not do this.")
    return problem_page(request, 403, _("You may not do this"), message, who=who)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """404: the page does not exist, or the person may not know that it does."""
    if isinstance(exception, NotFound):
        return problem_page(request, 404, exception.title, exception.message)
    message = _("There is no such page, or it is in a workspace that you are not a member of.")
    return problem_page(request, 404, _("Nothing here"), message)


def too_many(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """429 on allauth's pages: too many attempts with passwords, codes or links."""
    message = _("Wait some minutes and try again. Nothing was done.")
    return problem_page(request, 429, _("Too many attempts"), message, retry_after=300)


def server_error(request: HttpRequest) -> HttpResponse:
    """500, or 503 when the database does not work. The log has the error under the id of the request."""
    error = sys.exc_info()[1]
    if is_busy(error):
        return database_busy(request)
    if isinstance(error, DATABASE_ERRORS):
        return database_error(request)
    request_id = structlog.contextvars.get_contextvars().get("request_id", "")
    suffix = _(" as request %(request_id)s") % {"request_id": request_id} if request_id else ""
    message = _("This is an error of the portal. It is in the log%(suffix)s.") % {"suffix": suffix}
    return problem_page(request, 500, _("Something broke"), message)


def database_error(request: HttpRequest) -> HttpResponse:
    """503: the database does not answer, or cannot be written."""
    message = (
        "The database does not answer, or it accepts no changes at the moment. "
        "/readyz says what is missing. Try again in a moment."
    )
    return problem_page(request, 503, _("The database is not available"), message, retry_after=5)


def database_busy(request: HttpRequest) -> HttpResponse:
    """503: somebody else held the database for too long. A form is given back with what was typed."""
    title = _("The database is busy: nothing was done")
    message = _("Somebody else is writing to it, a back-up for example.")
    if request.method == "POST" and not is_sent_by_htmx(request):
        response = return_form(request, 503, title, message)
    else:
        response = problem_page(
            request, 503, title, _("%(message)s Try again in a moment.") % {"message": message}
        )
    response["Retry-After"] = "5"
    return response


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403: return the form with a new CSRF token and the same values, except for secrets.

    The token can be old because a person signed in in another tab or because a cookie expired. A form that
    another site sent is not returned: the person would only have to click once more to send it as their own.
    """
    if is_sent_by_htmx(request):
        return HttpResponse(_("This page is out of date. Reload it."), status=403, content_type=TEXT)
    if reason.startswith(FOREIGN):
        message = _("It was sent from another site. Nothing was done.")
        return problem_page(request, 403, _("This form is not from the portal"), message)
    message = _("Nothing was done. The page was open for too long, or you signed in again in another tab.")
    return return_form(request, 403, _("This form has expired"), message)


def return_form(request: HttpRequest, status: int, title: str, message: str) -> HttpResponse:
    """Return a page with the sent fields, except for secrets, and a button that sends them again."""
    fields = [
        (name, value)
        for name, values in request.POST.lists()
        for value in values
        if name != "csrfmiddlewaretoken"
    ]
    kept = [(name, mask_stored_keys(value)) for name, value in fields if not is_secret(name)]
    context = {
        "title": title,
        "message": message,
        "fields": kept,
        "lost": len(kept) < len(fields),
        "action": request.get_full_path(),
    }
    return render(request, "web/stale.html", context, status=status)


def is_secret(name: str) -> bool:
    """Return whether the value of the form field `name` is a secret, which is never sent back."""
    return any(secret in name.lower() for secret in SECRETS)
