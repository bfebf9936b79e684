"""A log that somebody follows: new lines are added at its end, and nothing moves under who scrolled up."""

import re

import pytest
from playwright.sync_api import expect

# Scroll away from the end, and return how many lines there were at that moment.
SCROLL_UP = "log => { log.scrollTop = 400; return log.querySelectorAll('li').length; }"
SHOWN_AND_SAID = """pill => [
    document.querySelectorAll("#line-list li").length,
    pill.hidden ? 0 : parseInt(pill.textContent),
]"""
ADD = """
from datetime import datetime
from django.utils.timezone import now
from django.db.models import F
from deployments.logs.models import Harvest, Line
from deployments.fleet.models import Deployment
one = Deployment.objects.get(deployment_name="{of}")
for number in range({count}):
    fields = {{"insert_id": f"{name}-{{number}}", "timestamp": {at}, "payload": "{name} line"}}
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


def add(portal, name, count=1, of="pallet-counter", at="now()"):
    done = portal.manage("shell", "-c", ADD.format(name=name, count=count, of=of, at=at))
    assert done.returncode == 0, done.stderr


def test_new_lines_are_added_at_the_end_and_wait_behind_a_pill_while_somebody_reads_further_up(log, portal):
    page = log.page
    lines, pill = page.locator("#lines"), page.locator("[data-new-lines]")
    add(portal, "first", 3)
    expect(page.locator("li", has_text="first line")).to_have_count(3, timeout=10_000)
    gap = lines.evaluate("log => log.scrollHeight - log.scrollTop - log.clientHeight")
    assert gap < 30 and pill.is_hidden()

    lines.evaluate("log => { log.scrollTop = 40; }")
    page.wait_for_timeout(200)  # lines get their exact heights when they come into sight
    # An element and no number: older lines may be found, and put before it.
    read = page.locator("#line-list li").nth(8).element_handle()
    place = read.bounding_box()["y"]
    add(portal, "second", 2)
    expect(page.locator("li", has_text="second line")).to_have_count(2, timeout=10_000)
    expect(pill).to_have_text(re.compile(r"\d+ new lines"))
    assert read.bounding_box()["y"] == place

    pill.click()
    expect(pill).to_be_hidden()
    expect(page.locator("li", has_text="second line").last).to_be_in_viewport()
    assert page.evaluate("window.stillThisPage") is True and log.errors == []


def test_lines_that_are_found_late_are_put_in_their_place_and_not_counted_as_new_ones_at_the_end(log, portal):
    page = log.page
    shown = page.locator("#lines").evaluate(SCROLL_UP)
    page.wait_for_timeout(200)
    read = page.locator("#line-list li").nth(25).element_handle()
    place = read.bounding_box()["y"]
    time = page.locator("#line-list time").nth(3).get_attribute("datetime")

    add(portal, "late", 3, at=f"datetime.fromisoformat('{time}')")

    expect(page.locator("li", has_text="late line")).to_have_count(3, timeout=10_000)
    assert abs(read.bounding_box()["y"] - place) < 1
    assert page.locator("li", has_text="late line").first.bounding_box()["y"] < place
    now_shown, said = page.locator("[data-new-lines]").evaluate(SHOWN_AND_SAID)
    assert now_shown - shown == said + 3
    assert log.errors == []


def test_lines_of_the_time_without_a_connection_come_later_and_that_is_said(log, portal):
    page = log.page
    page.context.set_offline(True)
    page.wait_for_timeout(5_000)
    add(portal, "meanwhile", 4)
    page.context.set_offline(False)

    expect(page.locator("li", has_text="meanwhile line")).to_have_count(4, timeout=15_000)
    expect(page.locator("[data-lines-said]")).to_contain_text("while the connection was lost")


def test_a_line_is_found_opened_shared_and_found_again_after_the_deployment_was_deleted(
    ana_at, portal, vera_at
):
    page = ana_at.page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    ana_at.create("shared-log")
    ana_at.go("/w/acme-vision/")
    ana_at.choose("shared-log", "Logs")
    add(portal, "linked", of="shared-log")
    expect(page.locator("li", has_text="linked line").first).to_be_attached(timeout=10_000)
    page.fill("[name=q]", "linked LINE")
    page.keyboard.press("Enter")
    expect(page.locator("#line-list li")).to_have_count(1)
    expect(page.locator("#line-list mark")).to_have_text(["linked", "line"])

    page.locator("#line-list li .at").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.locator(".log-around li").nth(5)).to_be_attached()
    dialog.get_by_role("button", name="Copy link").click()
    link = page.evaluate("navigator.clipboard.readText()")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()

    delete_deployment(ana_at)
    vera_at.page.goto(link)
    expect(vera_at.page.locator(".whole-line")).to_have_text("linked line")
    vera_at.go("/w/acme-vision/logs/?q=linked")
    expect(vera_at.page.locator("#line-list li")).to_contain_text("linked line")
    vera_at.page.locator("#line-list .whose").click()
    expect(vera_at.page.locator("#log-head")).to_contain_text("You see the lines that the portal stored")
    assert ana_at.errors == vera_at.errors == []


def delete_deployment(person):
    """Delete shared-log as the person would, and wait until that is done."""
    page = person.page
    page.goto(page.url.split("logs/")[0] + "delete/")
    page.fill("[name=confirm_name]", "shared-log")
    page.fill("[name=reason]", "no longer needed")
    page.get_by_role("button", name="Delete deployment").click()
    expect(page.locator("body")).to_contain_text("Confirmed", timeout=30_000)


def test_a_search_by_an_expression_is_zoomed_into_by_dragging_and_by_the_keyboard(ana_at):
    page = ana_at.page
    ana_at.go("/w/acme-vision/logs/?q=HTTP/1.[01]&regex=1")
    svg = page.locator("[data-histogram]")
    box = svg.bounding_box()
    before = page.locator("#line-list li").count()

    page.mouse.move(box["x"] + box["width"] * 0.8, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.9, box["y"] + 20, steps=4)
    page.mouse.up()
    page.wait_for_url(re.compile(r"from=.*to=.*|to=.*from="))
    zoomed = page.locator("#line-list li").count()

    svg.locator("a").first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.wait_for_load_state()
    expect(page.locator("#line-list li").first).to_be_attached()

    assert 0 < page.locator("#line-list li").count() < zoomed < before
    assert ana_at.errors == []


def test_how_logs_look_is_remembered_by_the_browser(log):
    page = log.page
    time = page.locator("#line-list time").first
    page.locator("#log-look summary").click()
    page.get_by_label("Wrap long lines").uncheck()
    page.get_by_label("Times in UTC").check()
    expect(time).to_have_text(time.get_attribute("datetime")[11:23])

    page.reload()

    assert page.locator("#line-list .text").first.evaluate("one => getComputedStyle(one).whiteSpace") == "pre"
    expect(time).to_have_text(page.locator("#line-list time").first.get_attribute("datetime")[11:23])
