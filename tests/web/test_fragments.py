"""Page or part: what htmx gets, and what a browser without it gets."""

import pytest
from django.http import HttpResponse
from django.test import RequestFactory
from django_htmx.middleware import HtmxMiddleware

from portal.web.fragments import announce_change, is_unchanged, nothing_new, redirect_page, wants_part

PART = {"HX-Request": "true", "HX-Target": "fleet"}
RESTORE = {**PART, "HX-History-Restore-Request": "true"}


def request_with(headers, path="/"):
    request = RequestFactory().get(path, headers=headers)
    HtmxMiddleware(lambda request: HttpResponse())(request)
    return request


@pytest.mark.parametrize(
    ("headers", "expected"),
    [(PART, True), ({**PART, "HX-Target": "strip"}, False), (RESTORE, False), ({}, False)],
)
def test_a_part_is_for_the_region_that_htmx_names(headers, expected):
    assert wants_part(request_with(headers), "fleet") is expected


@pytest.mark.parametrize(
    ("headers", "rev", "expected"),
    [(PART, "7", True), (PART, "8", False), (RESTORE, "7", False), ({}, "7", False)],
)
def test_only_a_poll_can_be_unchanged(headers, rev, expected):
    assert is_unchanged(request_with(headers, "/?rev=7"), rev) is expected


def test_a_redirect_is_a_header_for_htmx():
    htmx, plain = (redirect_page(request_with(headers), "/keys/") for headers in (PART, {}))

    assert (htmx.status_code, htmx.headers["HX-Redirect"]) == (200, "/keys/")
    assert (plain.status_code, plain.headers["Location"]) == (303, "/keys/")


def test_a_change_makes_the_regions_of_the_page_reload():
    htmx, plain = (announce_change(request_with(headers), "/keys/") for headers in (PART, {}))

    assert (htmx.status_code, htmx.headers["HX-Trigger"]) == (204, "portal-changed")
    assert (plain.status_code, plain.headers["Location"]) == (303, "/keys/")


def test_caches_keep_pages_and_parts_apart():
    assert "HX-Request" in nothing_new().headers["Vary"] and "HX-Target" in nothing_new().headers["Vary"]
