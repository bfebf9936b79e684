"""Forms of the team page and of an invitation."""

from typing import Any

from django import forms
from django.contrib.auth.password_validation import password_validators_help_texts, validate_password

from deployments.workspaces.roles import Role
from portal.accounts.models import User
from portal.web.fields import KeyFreeEmailField, OneLineField


class InviteForm(forms.Form):
    """The address to invite, and the role that the person gets."""

    email = KeyFreeEmailField(label="E-mail", max_length=254)
    role = forms.ChoiceField(choices=Role.choices, initial=Role.OPERATOR)


class RoleForm(forms.Form):
    """The new role of a member."""

    role = forms.ChoiceField(choices=Role.choices)


class AcceptForm(forms.Form):
    """Name and password of somebody new who accepts an invitation; its address is theirs."""

    name = OneLineField(max_length=80, widget=forms.TextInput(attrs={"autocomplete": "name"}))
    password = forms.CharField(
        max_length=200,
        strip=False,
        help_text=" ".join(password_validators_help_texts()),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def __init__(self, *args: Any, email: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.email = email

    def clean_password(self) -> str:
        """Return the password. Raises ValidationError if Django's password validators refuse it."""
        password: str = self.cleaned_data["password"]
        validate_password(password, User(email=self.email, name=self.cleaned_data.get("name", "")))
        return password
