"""A person creates, pauses, resumes, reads and deletes in a browser, with and without JavaScript."""

import re
import uuid

from playwright.sync_api import expect


def test_create_pause_resume_read_and_delete_need_no_reload_and_cause_no_browser_error(ana_at):
    page, name = ana_at.page, f"story-{uuid.uuid4().hex[:6]}"
    ana_at.create(name)

    ana_at.go("/w/acme-vision/")
    expect(ana_at.row(name, ".status").first).to_have_text(re.compile("Ready"), timeout=40_000)
    page.evaluate("window.stillThisPage = true")

    ana_at.row(name, "button:has-text('Pause')").click()
    expect(ana_at.row(name)).to_contain_text("Pausing...")
    expect(ana_at.row(name, ".status").first).to_have_text(re.compile("Paused"), timeout=40_000)
    ana_at.row(name, "button:has-text('Resume')").click()
    expect(ana_at.row(name, ".status").first).to_have_text(re.compile("Ready"), timeout=40_000)
    expect(ana_at.row(name, "button:has-text('Pause')")).to_be_visible(timeout=20_000)
    assert page.evaluate("window.stillThisPage") is True

    ana_at.choose(name, "Logs")
    expect(page.locator(".log li").first).to_be_visible()

    ana_at.go("/w/acme-vision/")
    ana_at.choose(name, "Delete")
    page.fill("[name=confirm_name]", name)
    page.fill("[name=reason]", "done <b>with</b> it")
    page.click("button:has-text('Delete deployment')")
    expect(page.locator("#operation .status").first).to_have_text(re.compile("Deleted"), timeout=40_000)

    ana_at.go("/w/acme-vision/activity/")
    expect(page.locator("main")).to_contain_text("done <b>with</b> it")
    for word in ("create", "pause", "resume", "delete"):
        expect(page.locator("main")).to_contain_text(re.compile(word))
    assert ana_at.errors == []


def test_a_wrong_name_deletes_nothing_and_keeps_what_was_typed(ana_at):
    page = ana_at.page
    ana_at.go("/w/acme-vision/")
    ana_at.choose("pallet-counter", "Delete")
    page.fill("[name=confirm_name]", "pallet-counte")
    page.fill("[name=reason]", "kept text")

    page.click("button:has-text('Delete deployment')")

    expect(page.locator(".error-summary")).to_be_visible()
    expect(page.locator("[name=reason]")).to_have_value("kept text")
    ana_at.go("/w/acme-vision/")
    expect(ana_at.row("pallet-counter").first).to_be_visible()


def test_everything_works_without_javascript(browser, portal):
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto(f"{portal.url}/accounts/login/")
    page.fill("[name=login]", "ben@example.com")
    page.fill("[name=password]", "demo-portal")
    page.click("button:has-text('Sign in')")
    page.goto(f"{portal.url}/w/acme-vision/deployments/new/")
    name = f"plain-{uuid.uuid4().hex[:6]}"
    page.fill("[name=deployment_name]", name)
    page.check("[name=machine_type][value=dev-cpu]")
    page.click("button:has-text('Create deployment')")

    for _ in range(60):
        if page.locator("#operation .told:has-text('Ready')").count():
            break
        page.wait_for_timeout(500)
        page.reload()

    expect(page.locator("#operation")).to_contain_text("Ready")
    page.goto(f"{portal.url}/w/acme-vision/")
    expect(page.locator(f"tr:has-text('{name}')")).to_be_visible()
    page.context.close()


def test_a_viewer_sees_and_cannot_act(person):
    person.sign_in("vera")
    person.go("/w/acme-vision/")

    expect(person.row("pallet-counter").first).to_be_visible()
    assert person.page.locator("main button:has-text('Pause'):enabled").count() == 0
    assert person.errors == []


def test_a_poll_keeps_focus_selection_and_typed_text(ana_at):
    page, name = ana_at.page, f"poll-{uuid.uuid4().hex[:6]}"
    ana_at.go("/w/acme-vision/")
    box = page.locator("main input[type=checkbox][name=deployment]").first
    box.check()
    field = page.locator("main input[name=q]")
    field.focus()
    page.keyboard.type("zz")
    page.keyboard.press("Backspace")
    page.keyboard.press("Backspace")
    page.keyboard.type("a")
    page.wait_for_timeout(1000)

    other = page.context.new_page()
    other.goto(f"{ana_at.portal.url}/w/acme-vision/deployments/new/")
    other.fill("[name=deployment_name]", name)
    other.check("[name=machine_type][value=dev-cpu]")
    other.click("button:has-text('Create deployment')")
    other.wait_for_url("**/operations/**")  # a page that is closed while it loads can hang
    other.close()
    page.mouse.move(1, 1)  # a new row waits in a pill while the pointer is in the table

    expect(ana_at.row(name).first).to_be_visible(timeout=30_000)
    expect(field).to_be_focused()
    expect(field).to_have_value("a")
