"""Form fields of every room: one line of plain text, and a time that a person typed."""

from datetime import UTC, datetime
from typing import Any

from django import forms
from django.utils import timezone

from portal.web.text import printable


class OneLineField(forms.CharField):
    """One line of text without control characters and without marks that turn the reading direction."""

    def to_python(self, value: Any) -> str:
        """Return the text as it may be shown."""
        return " ".join(printable(super().to_python(value) or "").split())


class TimeField(forms.DateTimeField):
    """A time in ISO 8601; without an offset it is in the person's time zone."""

    def to_python(self, value: Any) -> datetime | None:
        """Return an aware time in UTC, or None for an empty value. Raises ValidationError."""
        if value in self.empty_values:
            return None
        if found := parse_typed_time(str(value)):
            return found
        raise forms.ValidationError("Write a time like 2026-01-31T18:00.")


def parse_typed_time(text: str) -> datetime | None:
    """Return the aware UTC time that `text` writes in ISO 8601, or None when it writes none between 2000 and 2100.

    A plus sign of an offset arrives as a space from addresses that somebody typed by hand.
    """
    text = text.strip()
    try:
        found = datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text)
        aware = timezone.make_aware(found) if found.tzinfo is None else found
        return aware.astimezone(UTC) if 2000 <= aware.year < 2100 else None
    except (ValueError, OverflowError):
        return None
