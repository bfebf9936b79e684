"""`next` leads to pages of the portal only."""

import pytest
from django.test import RequestFactory

from portal.web.next import safe_next


@pytest.mark.parametrize("path", ["/", "/keys/", "/w/acme/?q=a&next=/x", "/w/acme/#rows"])
def test_a_path_of_the_portal_is_kept(path):
    assert safe_next(RequestFactory().get("/"), path, "/default/") == path


@pytest.mark.parametrize(
    "candidate",
    [
        None,
        "",
        "keys/",
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "https://evil.example/",
        "https:evil.example",
        "http://testserver/keys/",
        "javascript:alert(1)",
        " /keys/",
        "/keys/\n//evil.example",
        "/\t/evil.example",
        "/keys/\u202e",
    ],
)
def test_anything_else_is_replaced_by_the_default(candidate):
    assert safe_next(RequestFactory().get("/"), candidate, "/default/") == "/default/"
