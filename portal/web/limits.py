"""Rate limits of actions (the setting ACCOUNT_RATE_LIMITS), counted by allauth in the database.

The counters are not in Redis, so that the limits work while Redis is down.
"""

from copy import copy

from allauth.core.ratelimit import consume
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from portal.web.errors import problem_page


def is_within_limit(request: HttpRequest, action: str, *, key: str = "") -> bool:
    """Count one `action`, of `key` if given, otherwise of the signed-in person.

    Return False when the limit of ACCOUNT_RATE_LIMITS is exceeded.
    """
    counted = copy(request)
    counted.method = "POST"  # allauth does not count GET requests, but an export is a GET request
    subject = {"key": key} if key else {"user": request.user}
    return bool(consume(counted, action=action, **subject))


def too_often_page(request: HttpRequest, message: str) -> HttpResponse:
    """Return the page (429) for an exceeded limit; `message` is a sentence about what was done too often."""
    text = _("%(message)s Wait a minute and try again. Nothing was done.") % {"message": message}
    return problem_page(request, 429, _("Too fast"), text, retry_after=60)


def too_many_exports_page(request: HttpRequest) -> HttpResponse:
    """Return the page (429) for a person who exports too often."""
    return too_often_page(request, _("You exported many lists within a minute."))


def export_running_page(request: HttpRequest) -> HttpResponse:
    """Return the page (429) for a person whose other export still runs."""
    text = _(
        "You have one at a time. Wait until it has ended, or stop it in your browser, and try again. "
        "Nothing was done."
    )
    return problem_page(request, 429, _("Another export of yours is running"), text, retry_after=60)


def exports_busy_page(request: HttpRequest) -> HttpResponse:
    """Return the page (503) while this web process sends as many exports as it may."""
    text = _("Other people are exporting at the moment. Try again in a minute. Nothing was done.")
    return problem_page(request, 503, _("Too many exports at once"), text, retry_after=60)
