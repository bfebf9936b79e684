"""How often a person may do a thing (ACCOUNT_RATE_LIMITS): counted by allauth in the database, so that it holds while Redis is away."""

from allauth.core.internal.ratelimit import consume  # the public one passes every GET, and exports are GETs
from django.http import HttpRequest, HttpResponse

from portal.web.errors import problem_page


def is_within_limit(request: HttpRequest, action: str, *, key: str = "") -> bool:
    """Count one more `action` of the person, or of `key`; False when it is one too many."""
    whose = {"key": key} if key else {"user": request.user}
    return bool(consume(request, app="allauth.account", action=action, limit_get=True, **whose))


def too_often_page(request: HttpRequest, words: str) -> HttpResponse:
    """Say what was too much, and when to try again."""
    response = problem_page(
        request, 429, "Too fast", f"{words} Wait a minute and try again. Nothing was done."
    )
    response["Retry-After"] = "60"
    return response


def too_many_exports_page(request: HttpRequest) -> HttpResponse:
    """Say that this person exports too often."""
    return too_often_page(request, "You exported many lists within a minute.")
