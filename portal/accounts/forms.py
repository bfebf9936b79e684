"""Forms about people: a new person, and a profile."""

import zoneinfo
from typing import Any

from django import forms
from django.contrib.auth.password_validation import password_validators_help_texts, validate_password
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.accounts.addresses import canonical_email
from portal.accounts.models import User
from portal.accounts.names import check_name
from portal.web.fields import KeyFreeEmailField, OneLineField


class PersonEmailField(KeyFreeEmailField):
    """The e-mail address of a person, in its one spelling (see canonical_email)."""

    def clean(self, value: Any) -> str:
        """Return the address. Raises ValidationError for what is none."""
        return canonical_email(super().clean(value))


class NameAndPasswordForm(forms.Form):
    """Name and password of a new person whose e-mail is already known."""

    name = OneLineField(
        label=gettext_lazy("Name"),
        max_length=80,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
        help_text=gettext_lazy("Others see it. It must not look like the name of somebody else."),
    )
    password = forms.CharField(
        label=gettext_lazy("Password"),
        max_length=200,
        strip=False,
        help_text=" ".join(password_validators_help_texts()),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def __init__(self, *args: Any, email: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.known_email = email

    def clean_name(self) -> str:
        """Return the name. Raises ValidationError for one that the person may not have."""
        name: str = self.cleaned_data["name"]
        check_name(name)
        return name

    def clean(self) -> dict[str, Any]:
        """Check the password: the rules also compare it with name and e-mail."""
        values = super().clean() or self.cleaned_data
        if password := values.get("password"):
            person = User(email=values.get("email", self.known_email), name=values.get("name", ""))
            try:
                validate_password(password, person)
            except forms.ValidationError as error:
                self.add_error("password", error)
        return values


class NewPersonForm(NameAndPasswordForm):
    """Name, e-mail and password of a new person."""

    email = PersonEmailField(
        label=gettext_lazy("E-mail"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "username"}),
    )
    field_order = ("name", "email", "password")

    def clean_email(self) -> str:
        """Return the address. Raises ValidationError when another person has it."""
        email: str = self.cleaned_data["email"]
        if User.objects.with_email(email).exists():
            raise forms.ValidationError(_("There is a person with this e-mail already."))
        return email


def time_zone_choices() -> list[tuple[str, str]]:
    """Return the browser's zone and all IANA zones."""
    zones = sorted(zoneinfo.available_timezones())
    return [("", _("My browser's zone")), *((zone, zone) for zone in zones)]


class ProfileForm(forms.Form):
    """The name and the time zone of `person`."""

    name = OneLineField(label=gettext_lazy("Name"), max_length=80)
    timezone = forms.ChoiceField(
        label=gettext_lazy("Time zone"),
        required=False,
        help_text=gettext_lazy(
            "Times are shown in this zone. Without one, they are shown in your browser's zone."
        ),
        choices=time_zone_choices,
    )

    def __init__(self, *args: Any, person: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.person = person

    def clean_name(self) -> str:
        """Return the name. Raises ValidationError for one that the person may not have."""
        name: str = self.cleaned_data["name"]
        check_name(name, person=self.person)
        return name
