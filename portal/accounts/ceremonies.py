"""Ties what a passkey is asked to sign to one page and one person.

allauth keeps the challenge of a passkey under one name in the session, whatever it was made for: an answer
to the challenge of a sign-in would confirm a change, and the challenge of a half sign-in would outlive it.
"""

import time
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

FACTOR_PAGES = "/accounts/2fa/"
# Names of allauth 65 in the session: the challenge of a passkey, and a half sign-in.
STATE_SESSION_KEY, LOGIN_SESSION_KEY = "mfa.webauthn.state", "account_login"
CEREMONY_SESSION_KEY = "passkey_ceremony"
LIFE_SECONDS = 600


class CeremonyMiddleware:
    """Lets a passkey answer only on the page that asked, for the person that it asked, for ten minutes."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Return the response. Without its challenge, the page refuses the passkey's answer."""
        if not request.path.startswith(FACTOR_PAGES):
            return self.get_response(request)
        if not is_own_ceremony(request):
            request.session.pop(STATE_SESSION_KEY, None)
        before = request.session.get(STATE_SESSION_KEY)
        response = self.get_response(request)
        after = request.session.get(STATE_SESSION_KEY)
        if after and after != before:
            request.session[CEREMONY_SESSION_KEY] = [*ceremony_of(request), int(time.time())]
        return response


def ceremony_of(request: HttpRequest) -> list[object]:
    """Return the page of the request, and whom it serves: a person, or the half sign-in of a browser."""
    if request.user.is_authenticated:
        return [request.path, "person", request.user.pk]
    pending = request.session.get(LOGIN_SESSION_KEY) or {}
    return [request.path, "sign-in", f"{pending.get('user_pk', '')} {pending.get('initiated_at', '')}"]


def is_own_ceremony(request: HttpRequest) -> bool:
    """Return whether the challenge in the session was made on this page, for this person, and lately."""
    kept = request.session.get(CEREMONY_SESSION_KEY)
    if not isinstance(kept, list) or not kept:
        return False
    *ceremony, started = kept
    return ceremony == ceremony_of(request) and 0 <= time.time() - started < LIFE_SECONDS
