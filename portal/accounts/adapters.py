"""How allauth behaves here: no open registration, second factors sealed by our vault, ended sessions in the trail."""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.usersessions.adapter import DefaultUserSessionsAdapter
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.http import HttpRequest

from portal.accounts.factors import is_second_factor_required, second_factors
from portal.accounts.record import record_person_event
from portal.audit.actions import Action
from portal.vault import Unreadable, open_text, seal_text
from portal.web.mail import send_in_background
from portal.web.next import safe_next

PURPOSE = "second factor"  # what the vault sealed for something else does not open here


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Accounts are made by setup and by invitation only; mails lead to our own address and hold nobody up."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Nobody registers by themselves."""
        return False

    def is_safe_url(self, url: str | None) -> bool:
        """Only paths of our own: other names of this machine are other places."""
        return bool(url) and safe_next(context.request, url, "") == url

    def get_reset_password_from_key_url(self, key: str) -> str:
        """By the address that people type, whatever host this request named."""
        return f"{settings.PORTAL_BASE_URL}{urlsplit(super().get_reset_password_from_key_url(key)).path}"

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Send in a thread of its own: whether there is an account, and how the mail server is, must not show in the answer."""
        site = {"current_site": Site(name="the Deployment Portal", domain=settings.PORTAL_BASE_URL)}
        send_in_background(self.render_mail(template_prefix, email, {"email": email, **site, **context}))

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        """Count wrong passwords by address alone: allauth's own key holds the Host header, which the guesser chooses."""
        return str(credentials.get("email") or credentials.get("username") or "").lower()


class Site(NamedTuple):
    """What mails call us; RequestSite would take the name from the Host header."""

    name: str
    domain: str


class FactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """Second factors: named after the portal, sealed at rest, kept while they are required."""

    error_messages = DefaultMFAAdapter.error_messages | {
        "cannot_delete_authenticator": "An administrator requires a second factor: add another one before you remove your last."
    }

    def encrypt(self, text: str) -> str:
        """Seal the secret of an authenticator app, or the seed of recovery codes."""
        return seal_text(json.dumps([PURPOSE, text]))

    def decrypt(self, encrypted_text: str) -> str:
        """Open one. Raises Unreadable."""
        try:
            purpose, text = json.loads(open_text(encrypted_text))
        except (ValueError, TypeError):
            raise Unreadable from None
        if purpose != PURPOSE:
            raise Unreadable
        return str(text)

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        """The last one stays while everybody must have one."""
        return (
            not is_second_factor_required()
            or second_factors().filter(user=authenticator.user).exclude(pk=authenticator.pk).exists()
        )

    def get_totp_issuer(self) -> str:
        """What an authenticator app shows beside the code."""
        return f"Deployment Portal {urlsplit(settings.PORTAL_BASE_URL).hostname}"

    def generate_authenticator_name(self, user: object, type: Authenticator.Type) -> str:
        """Suggest a name for a new passkey."""
        count = Authenticator.objects.filter(user=user, type=type).count()
        return f"Passkey {count + 1}"


class SessionsAdapter(DefaultUserSessionsAdapter):  # type: ignore[misc]
    """Sessions that somebody ends elsewhere."""

    def end_sessions(self, sessions: Sequence[UserSession]) -> None:
        """End them, and tell of it once."""
        super().end_sessions(sessions)
        if sessions:
            record_person_event(
                context.request,
                Action.SESSION_ENDED,
                context.request.user,
                changes={"sessions": (len(sessions), 0)},
            )
