"""Sign-in and passwords have the labels of the other pages."""

import re

import pytest


@pytest.mark.parametrize(
    ("path", "labels"),
    [
        ("/accounts/login/", ["E-mail", "Password"]),
        ("/accounts/password/reset/", ["E-mail"]),
        ("/accounts/password/change/", ["Current password", "New password", "New password again"]),
    ],
)
def test_labels_are_those_of_the_other_pages(path, labels, ana, client):
    page = (ana if "change" in path else client).get(path).content.decode()

    assert "Current Password" not in page and "Email address" not in page
    assert [text.strip() for text in re.findall(r"<label[^>]*>([^<]+)<", page)][: len(labels)] == labels
