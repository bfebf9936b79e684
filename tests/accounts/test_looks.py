"""Texts that people mix up look the same; others do not."""

import pytest

from portal.accounts.addresses import canonical_email, international_domain
from portal.accounts.looks import skeleton


@pytest.mark.parametrize(
    ("name", "same"),
    [
        ("Ana", "ANA"),
        ("Ana", "\u0410\u043d\u0430".replace("\u043d", "n")),  # Cyrillic A and a
        ("ANA", "\u0391\u039d\u0391"),  # Greek capitals
        ("Ana", "\U0001d400\U0001d427\U0001d41a"),  # mathematical bold
        ("Ana", "\uff21\uff4e\uff41"),  # full width
        ("Ana", "A\u200bn\u200da"),  # invisible
        ("Ana", "\u202eAna\u202c"),
        ("Ana", "An\u00e1"),
        ("Ana", "An\u0430\u0301"),
        ("Ana Lee", "Ana  Lee."),
        ("Ana Lee", "AnaLee"),
        ("Bill", "B1ll"),
        ("Bill", "BILL"),
        ("Bill", "Bi|l"),
        ("Oona", "0ona"),
        ("Bernd", "Bemd"),
        ("Stra\u00dfe", "Strasse"),
        ("Roboflow", "R\u043eb\u043efl\u043ew"),
    ],
)
def test_names_that_look_alike_are_the_same(name, same):
    assert skeleton(name) == skeleton(same)


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("Ana", "Anna"),
        ("Ivan", "Inan"),
        ("Mia", "Nia"),
        ("Ben", "Den"),
        ("\u674e", "\u738b"),
        ("Ana 2", "Ana 3"),
    ],
)
def test_other_names_are_others(name, other):
    assert skeleton(name) != skeleton(other)


@pytest.mark.parametrize("empty", ["", " ", "...", "\u200b", "-_-"])
def test_nothing_is_left_of_a_name_without_letters(empty):
    assert skeleton(empty) == ""


@pytest.mark.parametrize(
    ("typed", "canonical"),
    [
        ("Ana@Example.com", "ana@example.com"),
        (" ana@example.com ", "ana@example.com"),
        ("ana@M\u00fcller.example", "ana@xn--mller-kva.example"),
        ("ana@m\u00dcller.example", "ana@xn--mller-kva.example"),
        ("ana@xn--mller-kva.example", "ana@xn--mller-kva.example"),
        ("ana@\uff45xample.com", "ana@example.com"),
        ("none", "none"),
        ("ana@-\u00fc-.example", "ana@-\u00fc-.example"),
    ],
)
def test_an_address_has_one_spelling(typed, canonical):
    assert canonical_email(typed) == canonical
    assert canonical_email(canonical) == canonical


def test_a_domain_with_other_letters_is_shown_as_people_read_it():
    assert international_domain("ana@xn--mller-kva.example") == "m\u00fcller.example"
    assert international_domain("ana@example.com") == ""
    assert international_domain("ana@xn--a.example") == "xn--a.example"
