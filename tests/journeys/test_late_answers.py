"""The list shows what was typed in the search, in whatever order the answers to the page arrive."""

import pytest
from playwright.sync_api import expect

FLEET = "/w/acme-vision/"
SEARCH = "main input[name=q]"
# What else asks for the list or for its news. The pill does so also while it is hidden.
ASK = {
    "the pill": "document.querySelector('[data-pill]').click()",
    "the news": "htmx.trigger(document.body, 'portal-news')",
}


class Held:
    """Requests of the page that wait on the network until they are let through."""

    def __init__(self, page, matches):
        self.page, self.matches, self.routes = page, matches, []
        page.route(lambda url: FLEET in url, self.hold)

    def hold(self, route):
        is_held = route.request.headers.get("hx-request") and self.matches(route.request.url)
        self.routes.append(route) if is_held else route.continue_()

    def wait_for_one(self):
        for _attempt in range(100):
            if self.routes:
                return
            self.page.wait_for_timeout(50)
        raise AssertionError("The page asked for nothing that would be held.")

    def let_through(self):
        self.matches = lambda url: False
        for route in self.routes:
            try:
                route.continue_()
            except Exception as error:  # the page itself gave the request up
                assert "abort" in str(error).lower() or "handled" in str(error).lower(), error
        self.page.wait_for_timeout(1_000)


def expect_only(person, name):
    """The page shows this one deployment and asks for no other, and it reported no error."""
    page = person.page
    expect(page.locator("tr[data-deployment]")).to_have_count(1)
    expect(page.locator("tr[data-deployment]")).to_contain_text(name)
    assert page.locator(SEARCH).input_value() == name
    assert page.url.endswith(f"q={name}")
    assert f"q={name}" in page.locator("#fleet-news").get_attribute("hx-get")
    assert page.locator("[data-pill]").is_hidden()
    # htmx reports in the console each request that the page gave up. Nothing else may be there.
    given_up = ("htmx:sendAbort", "htmx:afterRequest")
    assert [error for error in person.errors if not error.startswith(given_up)] == []


@pytest.mark.parametrize("other", ASK)
def test_an_answer_asked_for_before_the_search_and_later_than_its_answer_changes_nothing(other, ana_at):
    ana_at.go(FLEET)
    held = Held(ana_at.page, lambda url: "q=" not in url and "heartbeat" not in url)
    ana_at.page.evaluate(ASK[other])
    held.wait_for_one()

    ana_at.page.fill(SEARCH, "dock-cameras")
    expect(ana_at.page.locator("tr[data-deployment]")).to_have_count(1)
    held.let_through()

    expect_only(ana_at, "dock-cameras")


@pytest.mark.parametrize("other", ASK)
def test_what_is_asked_for_while_a_search_waits_for_its_answer_changes_nothing(other, ana_at):
    ana_at.go(FLEET)
    held = Held(ana_at.page, lambda url: "q=dock" in url)
    ana_at.page.fill(SEARCH, "dock-cameras")
    held.wait_for_one()

    ana_at.page.evaluate(ASK[other])
    ana_at.page.wait_for_timeout(1_000)
    held.let_through()

    expect_only(ana_at, "dock-cameras")


def test_the_last_of_two_searches_is_shown_also_if_the_first_is_answered_later(ana_at):
    ana_at.go(FLEET)
    held = Held(ana_at.page, lambda url: url.endswith("q=dock"))
    ana_at.page.fill(SEARCH, "dock")
    held.wait_for_one()

    ana_at.page.fill(SEARCH, "helmet-check")
    expect(ana_at.page.locator("tr[data-deployment]")).to_have_count(1)
    held.let_through()

    expect_only(ana_at, "helmet-check")
