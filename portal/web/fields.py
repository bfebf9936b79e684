"""Form fields that every room may use: one line of plain text, text without keys, and a time."""

from datetime import UTC, datetime
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.web.masking import mask_stored_keys
from portal.web.text import printable

STORED_KEY = gettext_lazy(
    "This contains an API key. Nobody else should see it: leave it out. It is not shown here again."
)


class KeyFree(forms.Field):
    """Makes a field of text refuse API keys that are stored here, and never send one back to the browser.

    The rest of the typed text is kept. List it before the class of the field.
    """

    def run_validators(self, value: Any) -> None:
        """Raise ValidationError for a text with a stored key; otherwise run the field's own validators."""
        if isinstance(value, str) and mask_stored_keys(value) != value:
            raise forms.ValidationError(STORED_KEY, code="stored_key")
        super().run_validators(value)

    def bound_data(self, data: Any, initial: Any) -> Any:
        """Return what the form shows when it comes back: the typed text, with stored keys masked."""
        typed = super().bound_data(data, initial)
        return mask_stored_keys(typed) if isinstance(typed, str) else typed


class KeyFreeCharField(KeyFree, forms.CharField):
    """A text without API keys that are stored here."""


class KeyFreeRegexField(KeyFree, forms.RegexField):
    """A text of a certain form, without API keys that are stored here."""


class KeyFreeEmailField(KeyFree, forms.EmailField):
    """An e-mail address without API keys that are stored here."""


class OneLineField(KeyFree, forms.CharField):
    """One line of text without control characters and without marks that turn the reading direction.

    It holds no API key that is stored here.
    """

    def to_python(self, value: Any) -> str:
        """Return the text with each run of white space and unprintable characters replaced by one space."""
        return " ".join(printable(super().to_python(value) or "").split())


class TimeField(forms.DateTimeField):
    """A time in ISO 8601. A time without an offset is read in the person's time zone."""

    def to_python(self, value: Any) -> datetime | None:
        """Return an aware time in UTC, or None for an empty value. Raises ValidationError."""
        if value in self.empty_values:
            return None
        if parsed := parse_typed_time(str(value)):
            return parsed
        raise forms.ValidationError(_("Write a time like 2026-01-31T18:00."))


class SpanForm(forms.Form):
    """A span of time in a query string: the fields `from` and `to`. Both may be empty."""

    to = TimeField(label=gettext_lazy("To"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["from"] = TimeField(label=_("From"), required=False)  # `from` is a keyword of Python
        self.order_fields(["from", "to"])

    def clean(self) -> dict[str, Any]:
        """Refuse a span that ends before it starts."""
        cleaned = super().clean() or self.cleaned_data
        start, end = cleaned.get("from"), cleaned.get("to")
        if start and end and start > end:
            self.add_error("from", _("From must be before To."))
        return cleaned


def parse_typed_time(text: str) -> datetime | None:
    """Return the ISO 8601 time in `text` as an aware UTC time, or None when it is not one from 2000 to 2099.

    A time without an offset is read in the active time zone. In a hand-written URL the plus sign of an offset
    arrives as a space, so a space after the T is read as a plus sign.
    """
    text = text.strip()
    try:
        parsed = datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text)
        aware = timezone.make_aware(parsed) if parsed.tzinfo is None else parsed
        return aware.astimezone(UTC) if 2000 <= aware.year < 2100 else None
    except (ValueError, OverflowError):
        return None
