"""Remembers in a browser who signed in there, so that strangers cannot keep them from signing in again.

Anybody can type wrong passwords for an address until its limit is reached. A browser in which the person has
signed in before has a limit of its own. Its cookie gives no access: whoever steals it may guess as often as
without it.
"""

import secrets
from collections.abc import Callable

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import salted_hmac

from portal.accounts.addresses import canonical_email

NAME = "__Host-portal-device" if settings.SESSION_COOKIE_SECURE else "portal-device"
SALT = "portal.accounts.devices"
LIFE_SECONDS = 365 * 24 * 3600
MOST_PEOPLE = 5  # who share a browser; the one who signed in longest ago is forgotten


def people_of(request: HttpRequest) -> dict[str, str]:
    """Return who signed in in this browser, newest last: hash of the address to the browser's id for it."""
    try:
        found = signing.loads(request.COOKIES.get(NAME, ""), salt=SALT, max_age=LIFE_SECONDS)
    except signing.BadSignature:
        return {}
    return dict(found) if isinstance(found, dict) else {}


def hash_address(email: str) -> str:
    """Return a keyed hash of an address: the cookie names nobody."""
    return salted_hmac(SALT, canonical_email(email), algorithm="sha256").hexdigest()[:32]


def device_of(request: HttpRequest, email: str) -> str:
    """Return the id of the browser in which the person with this address has signed in; otherwise ""."""
    return people_of(request).get(hash_address(email), "")


class DeviceMiddleware:
    """Sets the cookie after a sign-in. portal.accounts.record notes on the request who signed in."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Return the response, with the cookie if somebody has just signed in."""
        response = self.get_response(request)
        if email := getattr(request, "signed_in_email", ""):
            people = people_of(request)
            device = people.pop(hash_address(email), "") or secrets.token_hex(16)
            newest = [*people.items(), (hash_address(email), device)][-MOST_PEOPLE:]
            response.set_cookie(
                NAME,
                signing.dumps(dict(newest), salt=SALT),
                max_age=LIFE_SECONDS,
                secure=settings.SESSION_COOKIE_SECURE,
                httponly=True,
                samesite="Lax",
            )
        return response
