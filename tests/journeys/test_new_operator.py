"""The first day of a new operator, from the invitation to the trail, with the number of clicks and waits."""

import re
import time
import uuid

import requests
from playwright.sync_api import expect

from tests.journeys.conftest import Person

FLEET = "/w/acme-vision/"
MOST_CLICKS = 19


class Counted:
    """A page whose clicks and waits are counted. Typing, and going to a field by Tab, is no click."""

    def __init__(self, page):
        self.page, self.clicks, self.waits, self.waited = page, 0, 0, 0.0

    def click(self, found):
        self.clicks += 1
        found.first.click()

    def wait(self, found, text, seconds=40):
        began = time.monotonic()
        expect(found.first).to_have_text(re.compile(text), timeout=seconds * 1000)
        if time.monotonic() - began > 0.5:
            self.waits += 1
            self.waited += time.monotonic() - began


def invite(browser, portal, email):
    """Return the link of an invitation that Ana makes."""
    ana = Person(browser.new_context().new_page(), portal).sign_in("ana")
    ana.go(f"{FLEET}team/")
    ana.page.fill("[name=email]", email)
    ana.page.get_by_role("button", name="Invite", exact=True).click()
    link = ana.page.locator("#invite-link").inner_text()
    ana.page.context.close()
    return link


def test_a_new_operator_gets_through_the_first_day_with_few_clicks(page, portal, browser):
    name, email = f"first-{uuid.uuid4().hex[:5]}", f"nora-{uuid.uuid4().hex[:6]}@example.com"
    key = f"sandbox-key-{uuid.uuid4().hex[:12]}"
    url = f"http://127.0.0.1:{portal.sandbox_port}/__sandbox/keys"
    members = ["ana@example.com", "ben@example.com", "vera@example.com", email]
    answer = requests.post(url, json={"key": key, "workspace": "acme-vision", "members": members}, timeout=5)
    assert answer.ok, answer.text
    nora, told = Person(page, portal), Counted(page)
    button, link = page.get_by_role, page.get_by_role
    page.goto(invite(browser, portal, email))

    page.fill("[name=name]", f"Nora {name}")
    page.fill("[name=password]", "a long password of hers")
    told.click(page.locator("main form button.button-primary"))

    page.fill("[name=api_key]", key)  # on the fleet, which asks for it
    told.click(button("button", name=re.compile("Save key|Add key")))

    told.click(link("link", name="New deployment"))
    page.fill("[name=deployment_name]", name)
    told.click(page.locator("label.tile", has_text="dev-cpu"))
    told.click(button("button", name="Create deployment"))
    told.wait(page.locator("#operation .told"), "Ready")

    told.click(link("link", name=name))
    told.click(link("link", name="Open log"))
    expect(page.locator(".log li").first).to_be_visible(timeout=20_000)

    told.click(button("button", name=re.compile("^Pause")))
    told.wait(page.locator(".deployment-status .status"), "Paused")
    told.click(button("button", name=re.compile("^Resume")))
    told.wait(page.locator(".deployment-status .status"), "Ready")

    told.click(link("link", name="Fleet"))
    for one in (name, "helmet-check"):
        told.click(page.get_by_label(f"Select {one}"))
    told.click(page.locator("[data-bulk-bar] button", has_text="Pause"))
    told.click(button("button", name="Pause 2"))
    told.wait(page.locator(".batch-sums"), "2 paused")
    expect(page.locator("[id^=operation-]:has-text('Paused')")).to_have_count(2)

    told.click(link("link", name="Fleet"))
    told.click(nora.row(name, "[data-menu]"))
    told.click(page.get_by_role("menuitem", name="Delete"))
    page.fill("[name=confirm_name]", name)
    page.fill("[name=reason]", "the day is over")
    told.click(button("button", name="Delete deployment"))
    told.wait(page.locator("#operation .told"), "Deleted")

    told.click(link("link", name="Activity"))
    told.wait(page.locator("main"), rf"deleted[\s\S]*{name}", seconds=20)

    print(f"{told.clicks} clicks, {told.waits} waits of {told.waited:.1f} s together")
    assert told.clicks <= MOST_CLICKS
    assert nora.errors == []
    change = {"workspace": "acme-vision", "action": "resume"}
    back = f"http://127.0.0.1:{portal.sandbox_port}/__sandbox/deployments/helmet-check"
    requests.post(back, json=change, timeout=5)
