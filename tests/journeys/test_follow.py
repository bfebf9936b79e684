"""A log that somebody follows: new lines are added at its end, and nothing moves under who scrolled up."""

import re

import pytest
from playwright.sync_api import expect

ADD = """
from django.utils.timezone import now
from django.db.models import F
from deployments.logs.models import Harvest, Line
from deployments.fleet.models import Deployment
one = Deployment.objects.get(deployment_name="pallet-counter")
for number in range({count}):
    fields = {{"insert_id": f"{name}-{{number}}", "timestamp": now(), "payload": "{name} line"}}
    Line.objects.create(deployment=one, **fields)
Harvest.objects.filter(deployment=one).update(revision=F("revision") + 1)
"""


@pytest.fixture
def log(ana_at, portal):
    """Ana at the open log of pallet-counter, which has more lines than fit on the screen."""
    ana_at.go("/w/acme-vision/")
    ana_at.choose("pallet-counter", "Logs")
    expect(ana_at.page.locator("#line-list li").nth(50)).to_be_attached(timeout=30_000)
    ana_at.page.evaluate("window.stillThisPage = true")
    return ana_at


def add(portal, name, count=1):
    done = portal.manage("shell", "-c", ADD.format(name=name, count=count))
    assert done.returncode == 0, done.stderr


def test_new_lines_are_added_at_the_end_and_wait_behind_a_pill_while_somebody_reads_further_up(log, portal):
    page = log.page
    lines, pill = page.locator("#lines"), page.locator("[data-new-lines]")
    add(portal, "first", 3)
    expect(page.locator("li", has_text="first line")).to_have_count(3, timeout=10_000)
    gap = lines.evaluate("log => log.scrollHeight - log.scrollTop - log.clientHeight")
    assert gap < 30 and pill.is_hidden()

    lines.evaluate("log => { log.scrollTop = 40; }")
    place = page.locator("#line-list li").nth(8).bounding_box()["y"]
    add(portal, "second", 2)
    expect(page.locator("li", has_text="second line")).to_have_count(2, timeout=10_000)
    expect(pill).to_have_text(re.compile(r"\d+ new lines"))
    assert lines.evaluate("log => log.scrollTop") == 40
    assert page.locator("#line-list li").nth(8).bounding_box()["y"] == place

    pill.click()
    expect(pill).to_be_hidden()
    expect(page.locator("li", has_text="second line").last).to_be_in_viewport()
    assert page.evaluate("window.stillThisPage") is True and log.errors == []


def test_lines_of_the_time_without_a_connection_come_later_and_that_is_said(log, portal):
    page = log.page
    page.context.set_offline(True)
    page.wait_for_timeout(5_000)
    add(portal, "meanwhile", 4)
    page.context.set_offline(False)

    expect(page.locator("li", has_text="meanwhile line")).to_have_count(4, timeout=15_000)
    expect(page.locator("[data-lines-said]")).to_contain_text("while the connection was lost")


def test_a_line_is_found_by_its_link_by_another_person(log, portal):
    page = log.page
    add(portal, "linked")
    line = page.locator("li", has_text="linked line").first
    expect(line).to_be_attached(timeout=10_000)
    page.fill("[name=q]", "linked LINE")
    page.keyboard.press("Enter")
    expect(page.locator("#line-list li")).to_have_count(1)
    link = page.locator("#line-list li .at").first.get_attribute("href")
    path = page.url.split("?")[0]

    other = page.context.browser.new_context().new_page()
    other.goto(f"{portal.url}/accounts/login/")
    other.fill("[name=login]", "vera@example.com")
    other.fill("[name=password]", "demo-portal")
    other.click("button:has-text('Sign in')")
    other.wait_for_url(lambda url: "/login" not in url)
    other.goto(f"{path}{link}")

    expect(other.locator("li:target")).to_contain_text("linked line")
    expect(other.locator("li:target")).to_be_in_viewport()
    other.close()
