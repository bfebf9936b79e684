"""How allauth behaves here: no open registration, sealed second factors, ended sessions in the trail."""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from allauth.core import context
from allauth.core.ratelimit import clear, consume
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.usersessions.adapter import DefaultUserSessionsAdapter
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.accounts.addresses import canonical_email
from portal.accounts.factors import is_second_factor_required, second_factors
from portal.accounts.login_attempts import LoginAttemptsByAddress
from portal.accounts.models import User
from portal.accounts.record import record_person_event
from portal.audit.actions import Action
from portal.vault import Unreadable, open_text, seal_text
from portal.web.mail import send_in_background
from portal.web.next import safe_next

PURPOSE = "second factor"  # sealed with the secret: a secret that was sealed for another purpose is refused


class AccountAdapter(LoginAttemptsByAddress):
    """Nobody can register. Mails contain the portal's own address and are sent in the background."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Return False: accounts are created by setup and by invitation only."""
        return False

    def is_safe_url(self, url: str | None) -> bool:
        """Return whether `url` is a path of the portal. A URL with a host is not safe, whatever the host."""
        return bool(url) and safe_next(context.request, url, "") == url

    def get_reset_password_from_key_url(self, key: str) -> str:
        """Return the link with PORTAL_BASE_URL: the Host header of the request could name another host."""
        return f"{settings.PORTAL_BASE_URL}{urlsplit(super().get_reset_password_from_key_url(key)).path}"

    def clean_email(self, email: str) -> str:
        """Return a typed address in its one spelling."""
        return canonical_email(super().clean_email(email))

    def authenticate(self, request: HttpRequest, **credentials: Any) -> User | None:
        """Return the person with this e-mail, however it is typed, and password; otherwise None."""
        if "email" in credentials:
            credentials["email"] = canonical_email(str(credentials["email"]))
        user: User | None = super().authenticate(request, **credentials)
        return user

    def reauthenticate(self, user: User, password: str) -> bool:
        """Return whether a signed-in person typed their password.

        The limit counts what is typed in sessions of that person: allauth's own would count what strangers
        type at the sign-in as well. Raises ValidationError when the limit is reached.
        """
        key = f"confirm-{user.pk}"
        if not consume(context.request, action="confirm_password", key=key):
            raise self.validation_error("too_many_login_attempts")
        is_right: bool = user.check_password(password)
        if is_right:
            clear(context.request, action="confirm_password", key=key)
        return is_right

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Send a mail in the background.

        The response must not show, by its time or content, whether an account exists or the mail server
        works.
        """
        site = Site(name="Portside", domain=settings.PORTAL_BASE_URL)
        mail_context = {"email": email, "current_site": site, **context}
        send_in_background(self.render_mail(template_prefix, email, mail_context))


class Site(NamedTuple):
    """The name and address of the portal in mails. Django's RequestSite takes them from the Host header."""

    name: str
    domain: str


class FactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """Second factors: sealed by the vault; a person cannot remove the last one while it is required."""

    error_messages = DefaultMFAAdapter.error_messages | {
        "cannot_delete_authenticator": (
            gettext_lazy(
                "An administrator requires a second factor: add another one before you remove your last."
            )
        )
    }

    def encrypt(self, text: str) -> str:
        """Seal `text`: the secret of an authenticator app."""
        return seal_text(json.dumps([PURPOSE, text]))

    def decrypt(self, encrypted_text: str) -> str:
        """Return the secret in `encrypted_text`. Raises Unreadable."""
        try:
            purpose, text = json.loads(open_text(encrypted_text))
        except (ValueError, TypeError):
            raise Unreadable from None
        if purpose != PURPOSE:
            raise Unreadable
        return str(text)

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        """Return False for the last second factor of a person while everybody must have one."""
        return (
            not is_second_factor_required()
            or second_factors().filter(user=authenticator.user).exclude(pk=authenticator.pk).exists()
        )

    def get_totp_issuer(self) -> str:
        """Return the name that an authenticator app shows beside the code."""
        return f"Portside {urlsplit(settings.PORTAL_BASE_URL).hostname}"

    def generate_authenticator_name(self, user: object, type: Authenticator.Type) -> str:
        """Return the suggested name of a new passkey."""
        count = Authenticator.objects.filter(user=user, type=type).count()
        return _("Passkey %(number)s") % {"number": count + 1}


class SessionsAdapter(DefaultUserSessionsAdapter):  # type: ignore[misc]
    """Records sessions that a person ends on the page of their sessions."""

    def end_sessions(self, sessions: Sequence[UserSession]) -> None:
        """End the sessions and append one event for all of them."""
        super().end_sessions(sessions)
        if sessions:
            record_person_event(
                context.request,
                Action.SESSION_ENDED,
                context.request.user,
                changes={"sessions": (len(sessions), 0)},
            )
