"""Every page in a browser is accessible in both themes, as wide as its window, and usable by keyboard."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.portal_process import PortalProcess

IS_PAUSE_OF_READY = """() => document.activeElement.textContent.trim().startsWith("Pause")
  && document.activeElement.closest("tr")?.dataset.status === "ready" """
VIOLATIONS = {"resultTypes": ["violations"]}  # axe describes nothing else, which would take as long
PAGES = [
    "/w/acme-vision/",
    "deployment",
    "deployment ?range=7d",
    "deployment logs/",
    "deployment requests/",
    "deployment activity/",
    "deployment pause/",
    "deployment delete/",
    "/w/acme-vision/deployments/new/",
    "/w/acme-vision/operations/",
    "/w/acme-vision/activity/",
    "/w/acme-vision/logs/",
    "/w/acme-vision/team/",
    "/w/acme-vision/deployments/nobody-has-this/",
    "/keys/",
    "/profile/",
    "/people/",
    "/system/",
    "/activity/",
    "/activity/1/",
    "/accounts/2fa/",
    "/accounts/sessions/",
]


def go_to_each(person):
    """Open each of PAGES and yield its name; "deployment x" is the page x of one deployment."""
    person.go("/w/acme-vision/")
    deployment = person.row("pallet-counter", "td.name a").first.get_attribute("href")
    for name in PAGES:
        kind, _, part = name.partition(" ")
        person.go(f"{deployment}{part}" if kind == "deployment" else name)
        yield name


@pytest.mark.parametrize("width", [1360, 768, 375])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_has_an_accessibility_fault_or_is_wider_than_the_window(ana_at, scheme, width):
    ana_at.page.emulate_media(color_scheme=scheme)
    ana_at.page.set_viewport_size({"width": width, "height": 850})
    contrast = {"runOnly": ["color-contrast"]}  # all else is the same in both themes
    options = VIOLATIONS | (contrast if scheme == "dark" else {})
    faults = {}
    for name in go_to_each(ana_at):
        if (needed := ana_at.page.evaluate("document.documentElement.scrollWidth")) > width:
            faults[f"{name} is wider"] = needed
        for violation in Axe().run(ana_at.page, options=options).response["violations"]:
            if violation["impact"] in ("serious", "critical"):
                targets = [node["target"] for node in violation["nodes"]]
                faults[f"{name} {violation['id']}"] = targets[:3]

    assert faults == {}


def test_no_page_is_wider_than_the_narrowest_window(ana_at):
    ana_at.page.set_viewport_size({"width": 320, "height": 800})
    wider = {}
    for name in go_to_each(ana_at):
        if (needed := ana_at.page.evaluate("document.documentElement.scrollWidth")) > 320:
            wider[name] = needed

    assert wider == {}


def test_a_deployment_can_be_paused_by_keyboard_alone(ana_at):
    page = ana_at.page
    ana_at.go("/w/acme-vision/")
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_contain_text("Skip")
    for _ in range(120):
        page.keyboard.press("Tab")
        if page.evaluate(IS_PAUSE_OF_READY):
            break
    name = page.evaluate("document.activeElement.closest('tr').querySelector('a').textContent.trim()")

    page.keyboard.press("Enter")

    expect(ana_at.row(name).first).to_contain_text("Pausing...")
    expect(ana_at.row(name, ".status").first).to_contain_text("Paused", timeout=40_000)
    expect(page.locator(":focus")).to_contain_text("Resume")  # the focus stays


def test_the_components_have_no_accessibility_fault_in_any_theme(page, tmp_path):
    portal, faults = PortalProcess(tmp_path / "home", PORTAL_DEBUG="1").start(), {}
    try:
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            page.goto(f"{portal.url}/__components/")
            expect(page.locator("h1")).to_have_text("Components")
            violations = Axe().run(page, options=VIOLATIONS).response["violations"]
            faults[scheme] = [one["id"] for one in violations if one["impact"] in ("serious", "critical")]
    finally:
        portal.stop()

    assert faults == {"light": [], "dark": []}
