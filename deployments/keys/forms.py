"""The forms of the keys page. A key is never sent back to the browser."""

from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from deployments.roboflow.key_search import KeySearch
from deployments.roboflow.known_keys import SHORTEST_KEY
from deployments.roboflow.mask import Secret, known_key
from portal.web.fields import STORED_KEY, OneLineField


def validate_key_shape(value: str) -> str:
    """Return the key. Raises ValidationError for what is certainly no key that works here.

    Source: Roboflow's docs: keys that begin with `rf_` are publishable keys.
    """
    if not value.isascii() or not value.isprintable() or " " in value:
        raise forms.ValidationError(_("A Roboflow key is one word of letters and digits. Copy it again."))
    if value.startswith("rf_"):
        raise forms.ValidationError(
            _(
                "This is a publishable key (rf_...): it cannot manage deployments."
                " Use the private API key of the workspace."
            )
        )
    return value


class KeyForm(forms.Form):
    """A key, and a label for it."""

    api_key = forms.CharField(
        label=gettext_lazy("API key"),
        max_length=200,
        min_length=8,
        widget=forms.PasswordInput(attrs={"autocomplete": "off", "spellcheck": "false"}, render_value=False),
        help_text=gettext_lazy(
            "Roboflow: Settings, API Keys, Private API Key. It is checked with Roboflow when you save."
        ),
    )
    label = OneLineField(
        label=gettext_lazy("Label"),
        max_length=80,
        required=False,
        help_text=gettext_lazy("For you: where the key comes from, for example."),
    )

    def clean_api_key(self) -> str:
        """Check the shape of the key; whether it works, only Roboflow can say."""
        return validate_key_shape(self.cleaned_data["api_key"])

    def typed(self, name: str) -> str:
        """Return what was typed into a field, also if the field is refused."""
        return str(self.data.get(self.add_prefix(name), ""))

    def clean(self) -> dict[str, Any]:
        """Refuse a label that holds the key. The field itself knows only the keys that are stored already."""
        cleaned = super().clean() or self.cleaned_data
        typed, label = Secret(self.typed("api_key").strip()), self.typed("label")
        is_long_enough = len(typed.reveal()) >= SHORTEST_KEY
        if is_long_enough and KeySearch([known_key(typed)]).mask(label) != label:
            self.data = {**self.data, "label": ""}  # it is not sent back to the browser
            self.add_error("label", STORED_KEY)
        return cleaned


class AddKeyForm(KeyForm):
    """A new key. The region is a field only if the settings offer several."""

    region = forms.ChoiceField(
        label=gettext_lazy("Region"),
        required=False,
        help_text=gettext_lazy("Where the workspace lives at Roboflow."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        regions = list(settings.ROBOFLOW_REGIONS)
        if len(regions) == 1:
            del self.fields["region"]
            return
        field = self.fields["region"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(name, name.upper()) for name in regions]
        field.initial = settings.ROBOFLOW_REGION

    @property
    def region_or_default(self) -> str:
        """Return the chosen region, or the default region of the settings."""
        return self.cleaned_data.get("region") or settings.ROBOFLOW_REGION
