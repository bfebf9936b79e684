"""The portal's only override of a private method of allauth: the key that counts wrong passwords.

Written for django-allauth 65.21.1. Its own key contains the Host header, which the client chooses: each new
host or port would allow five more guesses. There is no public setting for the key. In issue 3584
(https://codeberg.org/allauth/django-allauth/issues/3584) its author recommends to override this method and
says that it is private. tests/web/test_private_hooks.py fails when allauth renames it, or no longer needs it.
"""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest

from portal.accounts.addresses import canonical_email
from portal.accounts.devices import device_of


class LoginAttemptsByAddress(DefaultAccountAdapter):  # type: ignore[misc]
    """Counts wrong passwords by e-mail address, and apart in a browser in which that person signed in."""

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        """Return the e-mail address in `credentials`, in its one spelling, and the browser if it is known."""
        email = canonical_email(str(credentials.get("email") or credentials.get("username") or ""))
        return f"{email} {device_of(request, email)}".strip()
