"""Forms about people: the rules of passwords and addresses."""

import pytest

from portal.accounts.forms import NameAndPasswordForm, NewPersonForm, ProfileForm
from portal.accounts.models import User

pytestmark = pytest.mark.django_db  # names and addresses are compared with stored keys
GOOD = {"name": "Ana", "email": "Ana@Example.com", "password": "a long enough one"}


def test_a_new_person_has_a_lower_case_address():
    form = NewPersonForm(GOOD)

    assert form.is_valid() and form.cleaned_data["email"] == "ana@example.com"
    assert list(form.fields) == ["name", "email", "password"]


def test_an_address_belongs_to_one_person(ana):
    form = NewPersonForm(GOOD | {"name": "Another"})

    assert form.errors == {"email": ["There is a person with this e-mail already."]}


@pytest.mark.parametrize("password", ["12345", "", "marguerite", "marguerite@example.com"])
def test_a_password_that_is_weak_or_like_name_or_address_is_refused(password):
    form = NewPersonForm({"name": "Marguerite", "email": "marguerite@example.com", "password": password})

    assert list(form.errors) == ["password"]


def test_a_form_that_knows_the_address_compares_the_password_with_it():
    typed = {"name": "Ana", "password": "marguerite-x"}

    assert NameAndPasswordForm(typed).is_valid()
    assert list(NameAndPasswordForm(typed, email="marguerite-x@example.com").errors) == ["password"]


def test_a_password_keeps_its_white_space():
    form = NameAndPasswordForm({"name": " Ana ", "password": " a long one "})

    assert form.is_valid()
    assert form.cleaned_data == {"name": "Ana", "password": " a long one "}


def test_a_profile_has_a_known_zone_or_the_one_of_the_browser():
    assert ProfileForm(person=User(), data={"name": "Ana", "timezone": ""}).is_valid()
    assert ProfileForm(person=User(), data={"name": "Ana", "timezone": "Europe/Berlin"}).is_valid()
    assert list(ProfileForm(person=User(), data={"name": "Ana", "timezone": "Mars/Base"}).errors) == [
        "timezone"
    ]
