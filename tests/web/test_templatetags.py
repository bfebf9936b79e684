"""Template tags of every page: status, times, query strings, polling."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import RequestFactory

from portal.web.templatetags import web

AT = datetime(2026, 1, 31, 18, 0, tzinfo=UTC)


def context(path="/", **cookies):
    request = RequestFactory().get(path)
    request.COOKIES.update(cookies)
    return {"request": request}


def test_a_duration_needs_both_ends():
    assert web.duration(AT, AT + timedelta(minutes=72)) == "1 h 12 min"
    assert web.duration(AT, None) == web.duration(None, AT) == ""


def test_a_query_string_changes_parameters_and_drops_those_of_one_response():
    page = context("/?q=a&status=ready&rev=1&cursor=x&format=csv")

    assert web.query_string(page, status="paused", sort="name") == "?q=a&status=paused&sort=name"
    assert web.query_string(page, q=None, status="") == "?"


def test_a_region_polls_its_page_with_its_revision():
    attributes = web.poll_attributes(context("/w/acme/?q=a"), "fleet", "7")

    assert 'id="fleet"' in attributes and 'hx-get="/w/acme/?q=a&amp;rev=7"' in attributes
    assert 'hx-trigger="every 5s, portal-news from:body, portal-changed from:body"' in attributes


def test_on_a_page_of_a_workspace_the_heartbeat_says_when_to_ask():
    request_context = context("/w/acme/")
    request_context["request"].membership = object()

    assert 'hx-trigger="portal-news from:body' in web.poll_attributes(request_context, "fleet", "7")


def test_a_region_may_poll_another_address():
    attributes = web.poll_attributes(context("/?q=a"), "strip", "7", url="/strip/", every="15s")

    assert 'hx-get="/strip/?rev=7"' in attributes and "every 15s" in attributes


@pytest.mark.parametrize(
    ("cookies", "theme"),
    [({}, "system"), ({"theme": "dark"}, "dark"), ({"theme": "<script>"}, "system")],
)
def test_the_theme_is_one_of_three(cookies, theme):
    assert web.theme(context(**cookies)) == theme
