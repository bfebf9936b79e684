"""Form fields of every room: one line of text, and a time."""

import zoneinfo
from datetime import UTC, datetime

import pytest
from django import forms
from django.utils import timezone

from portal.web import masking
from portal.web.fields import KeyFreeCharField, OneLineField, TimeField, parse_typed_time

SIX = datetime(2026, 1, 31, 18, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("typed", "cleaned"),
    [("  Ana \n B.\u202e ", "Ana B."), ("a\x00b", "a b"), ("💥", "💥")],
)
def test_a_line_has_single_spaces_and_no_unprintable_characters(typed, cleaned):
    assert OneLineField().to_python(typed) == cleaned


def test_a_line_of_nothing_but_unprintable_characters_is_empty():
    assert OneLineField(required=False).clean("\u202e\n") == ""
    with pytest.raises(forms.ValidationError):
        OneLineField().clean("\u202e\n")


@pytest.fixture
def stored_key(monkeypatch):
    """A key that is stored: STORED."""
    registered = masking.Registered(
        stored_keys=lambda: lambda texts: [one.replace("STORED", "***") for one in texts]
    )
    monkeypatch.setattr(masking, "registered", registered)


@pytest.mark.parametrize("field_class", [KeyFreeCharField, OneLineField])
def test_a_text_with_a_stored_key_is_refused_and_shown_without_it(field_class, stored_key):
    class NoteForm(forms.Form):
        note = field_class()

    form = NoteForm({"note": "my STORED key"})

    assert form.errors.as_data()["note"][0].code == "stored_key"
    assert "STORED" not in form.as_p() and "my *** key" in form.as_p()
    assert NoteForm({"note": "my own key"}).is_valid()


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("2026-01-31T18:00", SIX),
        ("  2026-01-31T18:00:00Z ", SIX),
        ("2026-01-31T19:00+01:00", SIX),
        ("2026-01-31T19:00 01:00", SIX),  # a plus sign in a hand-written URL arrives as a space
        ("2026-01-31T13:00-05:00", SIX),
        ("2026-01-31 18:00", SIX),
        ("2026-01-31", datetime(2026, 1, 31, tzinfo=UTC)),
        ("2000-01-01T00:00", datetime(2000, 1, 1, tzinfo=UTC)),
        ("2099-12-31T23:59", datetime(2099, 12, 31, 23, 59, tzinfo=UTC)),
    ],
)
def test_a_time_is_read_as_utc(text, parsed):
    assert parse_typed_time(text) == parsed
    assert TimeField().clean(text) == parsed
    assert parse_typed_time(text).tzinfo is UTC


def test_a_time_without_an_offset_is_in_the_active_zone():
    with timezone.override(zoneinfo.ZoneInfo("Europe/Berlin")):
        assert parse_typed_time("2026-01-31T19:00") == SIX


@pytest.mark.parametrize(
    "text",
    ["yesterday", "18:00", "2026-13-01", "1999-12-31T23:59", "2100-01-01", "9999-12-31T23:59-23:00", "٢"],
)
def test_what_is_no_time_between_2000_and_2100_is_refused(text):
    assert parse_typed_time(text) is None
    with pytest.raises(forms.ValidationError, match="Write a time like"):
        TimeField().clean(text)


def test_no_time_is_none():
    assert parse_typed_time("") is None
    assert TimeField(required=False).clean("") is None
