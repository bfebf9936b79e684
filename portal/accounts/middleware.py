"""What each request of a signed-in person needs: their time zone, when they were last seen, an end to idle sessions."""

import time
import zoneinfo
from collections.abc import Callable
from datetime import timedelta

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from portal.accounts.models import User

WRITE_EVERY_SECONDS = 60  # a page that polls must not write each time


class PersonMiddleware:
    """Ends idle sessions, notes that the person was seen, and shows times in their zone."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer one request."""
        user = request.user
        if not isinstance(user, User) and not user.is_authenticated:
            return self.get_response(request)
        if is_idle(request):
            logout(request)
            return self.get_response(request)
        note_seen(request)
        with timezone.override(zone_of(user)):  # type: ignore[arg-type]
            return self.get_response(request)


def is_idle(request: HttpRequest) -> bool:
    """Say whether this session was left alone for too long."""
    seen = request.session.get("seen_at")
    return seen is not None and time.time() - seen > settings.SESSION_IDLE_SECONDS


def note_seen(request: HttpRequest) -> None:
    """Write, once a minute, that session and person are alive."""
    seen = request.session.get("seen_at")
    if seen is not None and time.time() - seen < WRITE_EVERY_SECONDS:
        return
    request.session["seen_at"] = int(time.time())
    UserSession.objects.create_from_request(request)
    moment = timezone.now()
    User.objects.filter(pk=request.user.pk or 0).exclude(last_seen_at__gt=moment - timedelta(seconds=WRITE_EVERY_SECONDS)).update(last_seen_at=moment)


def zone_of(user: User) -> zoneinfo.ZoneInfo | None:
    """Return the person's zone; None is the portal's own (UTC), which the browser turns into its own."""
    try:
        return zoneinfo.ZoneInfo(user.timezone) if user.timezone else None
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        return None
