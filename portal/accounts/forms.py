"""Forms about people: the first one, and one's own profile."""

import zoneinfo
from typing import Any

from django import forms
from django.contrib.auth.password_validation import password_validators_help_texts, validate_password

from portal.accounts.models import User
from portal.web.fields import OneLineField


class NewPersonForm(forms.Form):
    """Name, e-mail and password of somebody new."""

    name = OneLineField(max_length=80, widget=forms.TextInput(attrs={"autocomplete": "name"}))
    email = forms.EmailField(
        label="E-mail", max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "username"})
    )
    password = forms.CharField(
        max_length=200,
        strip=False,
        help_text=" ".join(password_validators_help_texts()),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def clean_email(self) -> str:
        """An address belongs to one person."""
        email: str = self.cleaned_data["email"].lower()
        if User.objects.filter(email__iexact=email).exists():
            raise forms.ValidationError("There is a person with this e-mail already.")
        return email

    def clean(self) -> dict[str, Any]:
        """Check the password against the rules, knowing name and e-mail."""
        found = super().clean() or self.cleaned_data
        if password := found.get("password"):
            person = User(email=found.get("email", ""), name=found.get("name", ""))
            try:
                validate_password(password, person)
            except forms.ValidationError as error:
                self.add_error("password", error)
        return found


class ProfileForm(forms.Form):
    """What a person says of themselves."""

    name = OneLineField(max_length=80)
    timezone = forms.ChoiceField(
        label="Time zone",
        required=False,
        help_text="Times are shown in this zone. Without one, in your browser's.",
        choices=lambda: [
            ("", "My browser's zone"),
            *((zone, zone) for zone in sorted(zoneinfo.available_timezones())),
        ],
    )
