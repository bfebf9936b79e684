"""The forms of sign-in and passwords: allauth's, with the labels of the other pages."""

from typing import Any

from allauth.account import forms
from django.utils.translation import gettext_lazy as _

LABELS = {
    "login": _("E-mail"),
    "email": _("E-mail"),
    "password": _("Password"),
    "oldpassword": _("Current password"),
    "password1": _("New password"),
    "password2": _("New password again"),
}


class OurLabels:
    """Gives fields the labels of LABELS, and no placeholders, which would say the same in other words."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():  # type: ignore[attr-defined]
            field.label = LABELS.get(name, field.label)
            field.widget.attrs.pop("placeholder", None)


class LoginForm(OurLabels, forms.LoginForm):  # type: ignore[misc]
    """E-mail and password."""


class ResetPasswordForm(OurLabels, forms.ResetPasswordForm):  # type: ignore[misc]
    """The address to which a link for a new password is mailed."""


class ResetPasswordFromKeyForm(OurLabels, forms.ResetPasswordKeyForm):  # type: ignore[misc]
    """The new password, after such a link."""


class ChangePasswordForm(OurLabels, forms.ChangePasswordForm):  # type: ignore[misc]
    """The current password and a new one."""
