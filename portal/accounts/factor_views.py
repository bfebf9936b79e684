"""Pages about second factors that differ from allauth's."""

from typing import Any, cast

from allauth.account.adapter import get_adapter
from allauth.account.decorators import reauthentication_required
from allauth.mfa.totp.views import ActivateTOTPView
from allauth.mfa.webauthn.views import AddWebAuthnView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from portal.accounts.factors import second_factors
from portal.accounts.models import User
from portal.accounts.recovery_codes import count_recovery_codes, make_recovery_codes


@never_cache
@require_http_methods(["GET", "POST"])
@reauthentication_required(app="allauth.mfa")  # type: ignore[untyped-decorator]
def recovery_codes(request: HttpRequest) -> HttpResponse:
    """Say how many recovery codes are left, and make new ones, which the answer shows once."""
    user = cast(User, request.user)
    if not second_factors().filter(user=user).exists():
        return redirect("mfa_index")
    codes: list[str] = []
    if request.method == "POST":
        codes = make_recovery_codes(user)
        get_adapter(request).send_notification_mail("mfa/email/recovery_codes_generated", user)
    context = {"codes": codes, "left": count_recovery_codes(user)}
    return render(request, "accounts/recovery_codes.html", context)


def next_page(user: User) -> str:
    """Return the page that follows a new second factor: without recovery codes, the page that makes them."""
    return reverse("mfa_index" if count_recovery_codes(user) else "accounts:recovery_codes")


class ActivateApp(ActivateTOTPView):  # type: ignore[misc]
    """Adds an authenticator app."""

    def get_success_url(self) -> str:
        """Return the page that follows."""
        return next_page(cast(User, self.request.user))


class AddPasskey(AddWebAuthnView):  # type: ignore[misc]
    """Adds a passkey."""

    def get_success_url(self, **_: Any) -> str:
        """Return the page that follows."""
        return next_page(cast(User, self.request.user))


activate_totp, add_webauthn = ActivateApp.as_view(), AddPasskey.as_view()
