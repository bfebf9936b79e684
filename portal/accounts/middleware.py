"""What each request of a signed-in person needs: an end to idle and old sessions, the second factor that they owe, their time zone."""

import struct
import time
import zoneinfo
from collections.abc import Callable
from datetime import timedelta

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth import logout
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from portal.accounts.models import User
from portal.vault import Unreadable
from portal.web.errors import bad_request, problem_page

WRITE_EVERY_SECONDS = 60  # a page that polls must not write each time
OWN_PAGES = "/accounts/"  # allauth's: sign-in, password, sessions, second factor
MALFORMED = (
    LookupError,
    TypeError,
    ValueError,
    AttributeError,
    struct.error,
)  # what allauth and fido2 raise at credentials that are none
OPEN_TO_DEBTORS = (OWN_PAGES, "/theme/", "/healthz", "/readyz", "/favicon.ico", settings.STATIC_URL)


class PersonMiddleware:
    """Ends idle and old sessions, leads whoever owes a second factor to adding one, notes that the person was seen, and shows times in their zone."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer one request."""
        user = request.user
        if not isinstance(user, User) and not user.is_authenticated:
            return self.get_response(request)
        if is_session_over(request):
            logout(request)
            return self.get_response(request)
        record_seen(request)
        with timezone.override(time_zone_for(user)):  # type: ignore[arg-type]
            if user.owes_second_factor and not request.path.startswith(OPEN_TO_DEBTORS):  # type: ignore[union-attr]
                return redirect("mfa_index")
            return self.own_page(request) if is_own_change(request) else self.get_response(request)

    def own_page(self, request: HttpRequest) -> HttpResponse:
        """Answer in one transaction: allauth's change and our event of it stand or fall together."""
        with transaction.atomic():
            response = self.get_response(request)
            if response.status_code >= 500:
                transaction.set_rollback(True)
            return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """A second factor that no vault key opens is no fault of the person: say what to do. A malformed passkey is bad input, not a fault of ours."""
        if (
            isinstance(exception, MALFORMED)
            and "credential" in request.POST
            and request.path.startswith(OWN_PAGES)
        ):
            return bad_request(request)
        if not isinstance(exception, Unreadable):
            return None
        words = "It was sealed under a vault key that the portal no longer has. An administrator can give that key again, or take your second factor away."
        return problem_page(request, 503, "Your second factor cannot be read", words)


def is_own_change(request: HttpRequest) -> bool:
    """Say whether somebody signed in changes something about themselves on one of allauth's pages."""
    return request.method == "POST" and request.path.startswith(OWN_PAGES)


def is_session_over(request: HttpRequest) -> bool:
    """Say whether this session was left alone for too long, or began too long ago, however busy it is."""
    moment = time.time()
    idle, age = (
        moment - request.session.get("seen_at", moment),
        moment - request.session.get("signed_in_at", 0),
    )
    return bool(idle > settings.SESSION_IDLE_SECONDS or age > settings.SESSION_COOKIE_AGE)


def record_seen(request: HttpRequest) -> None:
    """Write, once a minute, that session and person are alive."""
    seen = request.session.get("seen_at")
    if seen is not None and time.time() - seen < WRITE_EVERY_SECONDS:
        return
    request.session["seen_at"] = int(time.time())
    UserSession.objects.create_from_request(request)
    moment = timezone.now()
    User.objects.filter(pk=request.user.pk or 0).exclude(
        last_seen_at__gt=moment - timedelta(seconds=WRITE_EVERY_SECONDS)
    ).update(last_seen_at=moment)


def time_zone_for(user: User) -> zoneinfo.ZoneInfo | None:
    """Return the person's zone; None is the portal's own (UTC), which the browser turns into its own."""
    try:
        return zoneinfo.ZoneInfo(user.timezone) if user.timezone else None
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        return None
