"""What a person does all day: find things, work by keyboard, wait for a start, use two tabs, come back."""

import re
import uuid

import pytest
import requests
from playwright.sync_api import expect

FLEET = "/w/acme-vision/"
PLACES = """() => {
  const all = [...document.querySelectorAll("h1, h2, .tabs, .button, tr[data-deployment]")];
  const seen = all.filter((one) => one.checkVisibility() && !one.closest(".heartbeat, dialog"));
  return seen.map((one) => Math.round(one.getBoundingClientRect().top + scrollY));
}"""


def sandbox_url(person, path):
    return f"http://127.0.0.1:{person.portal.sandbox_port}/__sandbox/{path}"


def test_the_palette_finds_a_deployment_and_leads_to_a_confirmation_by_keyboard_alone(ana_at):
    page = ana_at.page
    ana_at.go(FLEET)

    page.keyboard.press("Control+k")
    page.keyboard.type("pause helmet")
    expect(page.locator(".palette-entry")).to_have_text(["Pause helmet-checkready"])
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")

    expect(page.locator("h1")).to_have_text("Pause helmet-check?")
    page.keyboard.press("Control+k")
    page.keyboard.type("helmet")
    expect(page.locator(".palette-entry").first).to_contain_text("helmet-check")
    page.keyboard.press("Enter")  # the first entry
    expect(page.locator("h1")).to_have_text("helmet-check")
    assert ana_at.errors == []


def test_keys_of_one_letter_move_select_and_open_and_can_be_switched_off(ana_at):
    page = ana_at.page
    ana_at.go(FLEET)
    names = page.locator("td.name > a").all_inner_texts()

    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(page.locator(":focus")).to_have_text(names[1])
    page.keyboard.press("x")
    expect(page.get_by_label(f"Select {names[1]}")).to_be_checked()
    page.keyboard.press("k")
    page.keyboard.press("o")
    expect(page.locator("h1")).to_have_text(names[0])
    page.keyboard.press("g")
    page.keyboard.press("a")
    expect(page.locator("h1")).to_have_text("Activity")
    page.wait_for_load_state()  # the scripts that listen for keys are there
    page.keyboard.press("/")
    page.keyboard.type("jkn")  # letters, while typing
    expect(page.get_by_role("searchbox").first).to_have_value("jkn")

    ana_at.go(FLEET)
    page.keyboard.press("?")
    page.get_by_label("Use shortcuts of one letter").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("n")
    page.wait_for_timeout(300)
    expect(page.locator("h1")).to_contain_text("Fleet")
    page.keyboard.press("?")
    page.get_by_label("Use shortcuts of one letter").check()


def test_who_asked_to_be_told_is_told_when_a_new_deployment_is_ready(ana_at):
    page, name = ana_at.page, f"told-{uuid.uuid4().hex[:6]}"
    ana_at.go("/w/acme-vision/deployments/new/")
    expect(page.locator("[name=deployment_name]")).to_be_focused()  # the first field has the focus
    page.keyboard.type(name)
    expect(page.locator("#verdict")).to_contain_text(f"{name}.roboflow.cloud")
    page.check("[name=machine_type][value=dev-cpu]")
    page.click("button:has-text('Create deployment')")
    page.wait_for_url("**/operations/**")

    page.locator("[data-tell-ready]").click()  # it can be asked for from the first moment

    expect(page.locator(".told")).to_have_text("Ready", timeout=40_000)
    # A number of what needs attention may stand before it.
    title = re.compile(rf"^(\(\d+\) )?Created {name}: it is ready - Portside$")
    expect(page).to_have_title(title, timeout=20_000)


def test_nothing_on_the_page_of_a_deployment_moves_while_it_is_paused_and_resumed(ana_at):
    page = ana_at.page
    ana_at.go(FLEET)
    ana_at.go(ana_at.row("label-reader", "td.name a").first.get_attribute("href"))
    header = page.locator("#deployment-header")
    assert header.bounding_box()["height"] == 88
    before = page.evaluate("document.querySelector('.tabs').getBoundingClientRect().top")

    for action, status in (("Pause", "Paused"), ("Resume", "Ready")):
        page.get_by_role("button", name=f"{action} label-reader").click()
        expect(header.locator(".status").first).to_have_text(status, timeout=30_000)
        assert page.evaluate("document.querySelector('.tabs').getBoundingClientRect().top") == before
        assert header.bounding_box()["height"] == 88

    expect(page.locator("[aria-labelledby=history]")).to_contain_text("resumed it")
    page.evaluate("scrollTo(0, 500)")
    assert header.bounding_box()["y"] == pytest.approx(48, abs=1)  # it stays in sight
    assert ana_at.errors == []


REFUSE = "navigator.clipboard.writeText = () => Promise.reject(new Error('refused'));"
NO_CLIPBOARD = "Object.defineProperty(navigator, 'clipboard', { value: undefined });"  # as without https


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("navigator.clipboard.writeText = () => Promise.resolve();", "Copied"),
        (f"{REFUSE} document.execCommand = () => true;", "Copied"),
        (f"{NO_CLIPBOARD} document.execCommand = () => true;", "Copied"),
        (f"{REFUSE} document.execCommand = () => false;", "Your browser does not allow it"),
    ],
)
def test_a_copy_button_says_whether_it_copied_and_keeps_the_focus(ana_at, script, told):
    page = ana_at.page
    page.add_init_script(script)
    ana_at.go(FLEET)
    button = page.locator("[data-copy]").first

    button.focus()
    page.keyboard.press("Enter")

    expect(button).to_have_attribute("data-told", told)
    expect(page.locator("#announce")).to_have_text(told)
    expect(button).to_be_focused()
    expect(button).not_to_have_attribute("data-told", told, timeout=5_000)
    assert ana_at.errors == []


def test_copying_and_an_outage_that_comes_and_goes_move_nothing(ana_at):
    page = ana_at.page
    ana_at.go(FLEET)
    page.wait_for_timeout(3_000)
    before = page.evaluate(PLACES)
    fault = {"endpoint": "/list", "kind": "status", "status": 503, "count": 0}

    page.locator("[data-copy]").first.evaluate("one => one.click()")
    assert requests.post(sandbox_url(ana_at, "faults"), json=fault, timeout=5).ok
    try:
        expect(page.locator("#heartbeat")).to_contain_text("Roboflow silent", timeout=60_000)
        during = page.evaluate(PLACES)
    finally:
        assert requests.delete(sandbox_url(ana_at, "faults"), timeout=5).ok
    expect(page.locator("#heartbeat summary")).to_contain_text("Live", timeout=60_000)

    assert before == during == page.evaluate(PLACES)


def test_two_tabs_tell_the_same_and_a_click_in_both_is_one_operation(ana_at):
    page = ana_at.page
    ana_at.go(FLEET)
    other = page.context.new_page()
    other.goto(f"{ana_at.portal.url}{FLEET}")

    page.get_by_role("button", name="Pause pallet-counter").click()
    expect(other.locator("tr:has-text('pallet-counter') .status")).to_have_text("Paused", timeout=20_000)
    other.get_by_role("button", name="Resume pallet-counter").click()
    expect(ana_at.row("pallet-counter", ".status").first).to_have_text("Ready", timeout=30_000)
    other.close()


def test_back_leads_to_the_filter_and_the_page_as_it_is_now(ana_at):
    page = ana_at.page
    ana_at.go(FLEET)
    page.fill("[name=q]", "pallet")
    expect(page.locator("tr[data-deployment]")).to_have_count(1)

    page.locator("td.name > a").click()
    expect(page.locator("h1")).to_have_text("pallet-counter")
    page.go_back()

    expect(page.locator("tr[data-deployment]")).to_have_count(1)
    assert "q=pallet" in page.url and page.locator("[name=q]").input_value() == "pallet"


def test_a_session_that_ends_in_the_middle_leads_to_sign_in_and_back(ana_at):
    page = ana_at.page
    ana_at.go(FLEET)
    page.context.clear_cookies()

    page.get_by_role("button", name="Pause helmet-check").click()

    expect(page.locator("h1")).to_have_text("Sign in", timeout=20_000)
    page.fill("[name=login]", "ana@example.com")
    page.fill("[name=password]", "demo-portal")
    page.click("button:has-text('Sign in')")
    expect(page.locator("h1")).to_contain_text("Fleet")
    expect(ana_at.row("helmet-check", ".status").first).to_have_text("Ready")  # nothing was done
