"""The forms of the keys page: the shape of a key, and the region where several are offered."""

import pytest

from deployments.keys.forms import AddKeyForm

TWO_REGIONS = {name: {"deployments": "http://x", "api": "http://x"} for name in ("us", "eu")}

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("value", "is_valid"),
    [
        ("x" * 7, False),
        ("x" * 8, True),
        ("x" * 200, True),
        ("x" * 201, False),
        ("  " + "x" * 8 + " ", True),
        ("rf_" + "x" * 9, False),
        ("xrf_" + "x" * 9, True),
    ],
)
def test_a_key_has_eight_to_two_hundred_characters_and_is_not_publishable(value, is_valid):
    assert AddKeyForm({"api_key": value}).is_valid() is is_valid


def test_a_key_is_never_sent_back_to_the_browser():
    form = AddKeyForm({"api_key": "typed-by-somebody"})

    assert form.is_valid() and "typed-by-somebody" not in form.as_p()


def test_one_region_is_no_question(settings):
    settings.ROBOFLOW_REGIONS = {"us": TWO_REGIONS["us"]}
    form = AddKeyForm({"api_key": "x" * 8})

    assert form.is_valid() and "region" not in form.fields
    assert form.region_or_default == "us"


@pytest.mark.parametrize(("chosen", "region"), [("eu", "eu"), ("us", "us"), ("", "us"), (None, "us")])
def test_of_several_regions_one_can_be_chosen(chosen, region, settings):
    settings.ROBOFLOW_REGIONS = TWO_REGIONS
    form = AddKeyForm({"api_key": "x" * 8} | ({} if chosen is None else {"region": chosen}))

    assert form.is_valid(), form.errors
    assert form.region_or_default == region
    assert form.fields["region"].choices == [("us", "US"), ("eu", "EU")]
    assert form.fields["region"].initial == "us"


def test_a_region_that_is_not_offered_is_refused(settings):
    settings.ROBOFLOW_REGIONS = TWO_REGIONS

    assert AddKeyForm({"api_key": "x" * 8, "region": "moon"}).errors.keys() == {"region"}
