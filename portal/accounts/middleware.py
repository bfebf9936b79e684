"""Middleware for signed-in people: it ends old sessions, demands a second factor and sets the time zone."""

import struct
import time
import zoneinfo
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cache, partial
from typing import cast
from urllib.parse import unquote

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth import logout
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.accounts.models import User
from portal.accounts.record import appending_last
from portal.clock import now
from portal.vault import Unreadable
from portal.web.errors import bad_request, problem_page
from portal.web.fragments import is_poll
from portal.web.patience import write_if_free

WRITE_EVERY_SECONDS = 60  # a page that polls must not write to the database each time
OWN_PAGES = "/accounts/"  # of allauth: sign-in, password, sessions, second factor
# What allauth and fido2 raise when the credential of a passkey is malformed.
MALFORMED = (LookupError, TypeError, ValueError, AttributeError, struct.error)
OPEN_WITHOUT_FACTOR = (OWN_PAGES, "/theme/", "/healthz", "/readyz", "/favicon.ico", settings.STATIC_URL)


class PersonMiddleware:
    """Ends idle and old sessions, records when the person was seen last, and shows times in their time zone.

    A person who must have a second factor and has none is redirected to the page where they add one.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Return the response to the person, or a redirect."""
        user = request.user
        if not isinstance(user, User) and not user.is_authenticated:
            return self.get_response(request)
        if is_session_over(request):
            logout(request)
            return self.get_response(request)
        record_seen(request)
        with timezone.override(time_zone_for(user, request)):  # type: ignore[arg-type]
            if must_add_factor(request):
                return redirect("mfa_index")
            return self.respond_atomically(request) if is_own_change(request) else self.get_response(request)

    def respond_atomically(self, request: HttpRequest) -> HttpResponse:
        """Return the response, in one transaction for allauth's change and, last, the events about it."""
        with transaction.atomic(), appending_last(request):
            response = self.get_response(request)
            if response.status_code >= 500:
                transaction.set_rollback(True)
            return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Return a page for a malformed passkey (400) and for an unreadable second factor (503)."""
        if isinstance(exception, MALFORMED) and is_passkey_form(request):
            return bad_request(request)
        if not isinstance(exception, Unreadable):
            return None
        message = _(
            "It was sealed with a vault key that the portal no longer has. An administrator can add that key "
            "again, or remove your second factor."
        )
        return problem_page(request, 503, _("Your second factor cannot be read"), message)


def is_passkey_form(request: HttpRequest) -> bool:
    """Return whether the request sends the credential of a passkey to one of allauth's pages."""
    return "credential" in request.POST and request.path.startswith(OWN_PAGES)


def must_add_factor(request: HttpRequest) -> bool:
    """Return whether the person must add a second factor before they may open this page."""
    is_open = request.path.startswith(OPEN_WITHOUT_FACTOR)
    return not is_open and cast(User, request.user).owes_second_factor


def is_own_change(request: HttpRequest) -> bool:
    """Return whether the request is a form of one of allauth's pages."""
    return request.method == "POST" and request.path.startswith(OWN_PAGES)


def is_session_over(request: HttpRequest) -> bool:
    """Return whether the session was idle for too long, or is too old.

    SESSION_IDLE_SECONDS and SESSION_COOKIE_AGE (in seconds) are the limits.
    """
    current_time = time.time()
    signed_in_at = request.session.get("signed_in_at", 0)
    idle_seconds = current_time - request.session.get("seen_at", signed_in_at)
    age_seconds = current_time - signed_in_at
    return bool(idle_seconds > settings.SESSION_IDLE_SECONDS or age_seconds > settings.SESSION_COOKIE_AGE)


def record_seen(request: HttpRequest) -> None:
    """Record, at most once in WRITE_EVERY_SECONDS, that the session and the person are active.

    While the database is busy nothing is recorded, and the next page tries again. A page that is left open
    polls for days: that is no activity, or no session would ever be idle.
    """
    if is_poll(request):
        return
    seen_at = request.session.get("seen_at")
    if seen_at is not None and time.time() - seen_at < WRITE_EVERY_SECONDS:
        return
    if write_if_free(partial(store_seen, request, now=now())):
        request.session["seen_at"] = int(time.time())


def store_seen(request: HttpRequest, *, now: datetime) -> None:
    """Store that the session and the person were seen `now`."""
    UserSession.objects.create_from_request(request)
    recently = now - timedelta(seconds=WRITE_EVERY_SECONDS)
    person = User.objects.filter(pk=request.user.pk or 0).exclude(last_seen_at__gt=recently)
    person.update(last_seen_at=now)


def time_zone_for(user: User, request: HttpRequest) -> zoneinfo.ZoneInfo | None:
    """Return the zone of the person's profile, or else of their browser, which a script stores in a cookie.

    None is UTC, for a browser without scripts and a person who chose no zone.
    """
    for name in (user.timezone, unquote(request.COOKIES.get("zone", ""))):
        if name in known_zones():
            return zoneinfo.ZoneInfo(name)
    return None


@cache
def known_zones() -> set[str]:
    """Return the names of all time zones: other text could name a file."""
    return zoneinfo.available_timezones()
