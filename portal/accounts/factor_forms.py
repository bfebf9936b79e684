"""The forms that take a code of an authenticator app or a recovery code: a code counts once."""

from allauth.mfa import app_settings
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base import forms
from allauth.mfa.totp.forms import ActivateTOTPForm
from django.core.cache import cache

from portal.accounts.recovery_codes import use_recovery_code


class OneTimeCode:
    """Refuses a code that was used before, for as long as it would be accepted.

    allauth 65 remembers it for one step of 30 s, but accepts it in all the steps that MFA_TOTP_TOLERANCE
    allows. A recovery code is accepted too, where the person proves who they are.
    """

    takes_recovery_codes = True

    def clean_code(self) -> str:
        """Return the code. Raises ValidationError for a wrong one, and for one that was used."""
        typed = str(self.cleaned_data["code"])  # type: ignore[attr-defined]
        user = self.user  # type: ignore[attr-defined]
        if self.takes_recovery_codes and (row := use_recovery_code(user, typed)):
            self.authenticator = row
            return typed
        code: str = super().clean_code()  # type: ignore[misc]
        seconds = app_settings.TOTP_PERIOD * (2 * app_settings.TOTP_TOLERANCE + 1)
        used = f"used-code-{user.pk}-{''.join(code.split())}"  # type: ignore[attr-defined]
        if not cache.add(used, "", timeout=seconds):
            if authenticator := getattr(self, "authenticator", None):
                self._emit_authentication_failed(authenticator)  # type: ignore[attr-defined]
            raise get_adapter().validation_error("incorrect_code")
        return code


class AuthenticateForm(OneTimeCode, forms.AuthenticateForm):  # type: ignore[misc]
    """The second step of a sign-in."""


class ReauthenticateForm(OneTimeCode, forms.ReauthenticateForm):  # type: ignore[misc]
    """A code before something sensitive."""


class ActivateForm(OneTimeCode, ActivateTOTPForm):  # type: ignore[misc]
    """The first code of a new authenticator app, which cannot sign in as well."""

    takes_recovery_codes = False
