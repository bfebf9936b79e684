"""Second factors in a browser: an authenticator app by keyboard, passkeys with a virtual authenticator."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.journeys.conftest import Person
from tests.totp import code_of

DEVICE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture
def invited(browser, portal, page):
    """Return somebody new who is signed in, with a device that creates passkeys.

    They are new so that the factors that they add change the sign-in of no other test.
    """
    ana = Person(browser.new_page(), portal).sign_in("ana")
    ana.go("/w/acme-vision/team/")
    name = f"pia{id(page)}"
    ana.page.fill("[name=email]", f"{name}@example.com")
    ana.page.click("button:has-text('Invite')")
    link = ana.page.locator("#invite-link").inner_text()
    ana.page.close()
    device = page.context.new_cdp_session(page)
    device.send("WebAuthn.enable")
    device.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})
    person = Person(page, portal)
    page.goto(link)
    page.fill("[name=name]", f"Pia {id(page)}")  # no two people have the same name
    page.fill("[name=password]", "demo-portal")
    page.click("button[type=submit], form button:not([type])")
    page.wait_for_url("**/w/acme-vision/")
    person.email = f"{name}@example.com"
    return person


def confirm(person):
    """Type the password again, as pages of factors ask."""
    person.page.fill("[name=password]", "demo-portal")
    person.page.click("button:has-text('Confirm it is you')")


def make_codes(page):
    """Make recovery codes on the page that follows a first factor."""
    page.click("button:has-text('Make recovery codes')")
    expect(page.locator(".codes li")).to_have_count(10)


def sign_out(person):
    person.go("/accounts/logout/")
    person.page.click("main button:has-text('Sign out')")
    person.page.wait_for_url("**/accounts/login/")


def type_password(person):
    person.page.fill("[name=login]", person.email)
    person.page.fill("[name=password]", "demo-portal")
    person.page.click("button:text-is('Sign in')")


def test_a_passkey_signs_in_alone(invited):
    page = invited.page
    invited.go("/accounts/2fa/webauthn/add/")
    confirm(invited)
    page.check("[name=passwordless]")
    page.click("main button:text-is('Add')")
    make_codes(page)
    sign_out(invited)

    page.click("button:has-text('Sign in with a passkey')")

    page.wait_for_url(re.compile(r"/(keys/|w/)"))
    expect(page.locator("#person-menu summary")).to_contain_text("Pia")
    assert invited.errors == []


def test_a_passkey_is_the_second_step_after_the_password(invited):
    page = invited.page
    invited.go("/accounts/2fa/webauthn/add/")
    confirm(invited)
    page.uncheck("[name=passwordless]")
    page.click("main button:text-is('Add')")
    make_codes(page)
    sign_out(invited)
    type_password(invited)
    expect(page.locator("h1")).to_have_text("Second factor")

    page.click("button:has-text('Use a passkey')")

    page.wait_for_url(re.compile(r"/(keys/|w/)"))
    assert invited.errors == []


def test_an_authenticator_app_by_keyboard_and_every_page_is_accessible(invited):
    page, faults = invited.page, {}

    def check_accessibility(page_name):
        for violation in Axe().run(page).response["violations"]:
            if violation["impact"] in ("serious", "critical"):
                faults[f"{page_name} {violation['id']}"] = violation["nodes"][0]["target"]

    invited.go("/accounts/2fa/")
    check_accessibility("overview")
    invited.go("/accounts/2fa/totp/activate/")
    check_accessibility("confirm")
    confirm(invited)
    secret = page.locator("code.hash").inner_text()
    check_accessibility("add")
    page.locator("[name=code]").focus()
    page.keyboard.type("000000")
    page.keyboard.press("Enter")
    expect(page.locator(".error-summary")).to_contain_text("Incorrect code")
    page.locator("[name=code]").fill(code_of(secret))
    page.keyboard.press("Enter")
    make_codes(page)
    check_accessibility("codes")
    sign_out(invited)
    check_accessibility("sign-in")
    type_password(invited)
    check_accessibility("second step")
    page.locator("[name=code]").fill(code_of(secret, steps=1))
    page.keyboard.press("Enter")

    page.wait_for_url(re.compile(r"/(keys/|w/)"))
    assert faults == {}
    assert invited.errors == []
