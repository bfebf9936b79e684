"""Pages for people who zoom, who choose their own colours, and who want nothing to move."""

import re

from playwright.sync_api import expect

from tests.journeys.test_pages import go_to_each

FLEET = "/w/acme-vision/"
# What a person presses must have an edge: with forced colours, backgrounds are the same everywhere.
WITHOUT_EDGE = """() => [...document.querySelectorAll(".button, input, select, textarea, .notice")]
  .filter((one) => one.checkVisibility() && one.type !== "hidden" && !one.closest(".visually-hidden, dialog"))
  .filter((one) => !["checkbox", "radio"].includes(one.type) && !one.closest(".button-quiet"))
  .filter((one) => parseFloat(getComputedStyle(one).borderTopWidth) === 0)
  .map((one) => one.outerHTML.slice(0, 90))"""
FOCUS_RING = """() => { const style = getComputedStyle(document.activeElement);
  return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0; }"""
MOVING = """() => document.getAnimations().filter((one) => one.playState === "running")
  .map((one) => `${one.effect.target.className} ${one.animationName ?? one.transitionProperty}`)"""


def test_at_twice_the_size_no_page_is_wider_than_the_window(ana_at):
    """200 % of zoom makes a window of 1280 pixels one of 640; twice the text alone leaves it at 1280."""
    wider = {}
    for width, text in ((640, ""), (1280, "200%")):
        ana_at.page.set_viewport_size({"width": width, "height": 480})
        for name in go_to_each(ana_at):
            ana_at.page.evaluate("(size) => { document.documentElement.style.fontSize = size; }", text)
            needed = ana_at.page.evaluate("document.documentElement.scrollWidth")
            if needed > width:
                wider[name, text] = needed

    assert wider == {}


def test_with_forced_colours_everything_has_an_edge_and_states_keep_their_colours(ana_at):
    page = ana_at.page
    page.emulate_media(forced_colors="active")
    flat, dim = {}, []
    for name in go_to_each(ana_at):
        if found := page.evaluate(WITHOUT_EDGE):
            flat[name] = found
        for _ in range(6):
            page.keyboard.press("Tab")
            if not page.evaluate(FOCUS_RING):
                dim.append((name, page.evaluate("document.activeElement.outerHTML.slice(0, 90)")))

    ana_at.go(FLEET)
    dots = page.evaluate(
        """() => [...document.querySelectorAll("tr .status")].map((one) => getComputedStyle(one).color)"""
    )
    assert flat == {}
    assert dim == []
    assert len(set(dots)) > 1


def test_who_wants_no_motion_sees_none(ana_at):
    page, moving = ana_at.page, []
    page.emulate_media(reduced_motion="reduce")
    ana_at.go(FLEET)

    page.get_by_role("button", name="Pause dock-cameras").click()
    for _ in range(20):
        moving += page.evaluate(MOVING)
        page.wait_for_timeout(50)
    page.locator("[data-menu]").first.click()
    moving += page.evaluate(MOVING)
    page.keyboard.press("Escape")

    expect(ana_at.row("dock-cameras", ".status")).to_have_text("Paused", timeout=30_000)
    assert moving == []
    page.get_by_role("button", name="Resume dock-cameras").click()
    expect(ana_at.row("dock-cameras", ".status")).to_have_text("Ready", timeout=40_000)


def test_news_are_told_to_a_screen_reader_once_and_not_at_every_poll(ana_at):
    page = ana_at.page
    ana_at.go(FLEET)
    page.evaluate(
        """() => {
          window.told = [];
          for (const region of document.querySelectorAll("[aria-live], [role=status], [role=alert]"))
            new MutationObserver(() => {
              const text = region.textContent.trim().replace(/\\s+/g, " ");
              if (text) window.told.push(text);
            }).observe(region, { subtree: true, childList: true, characterData: true });
        }"""
    )

    page.get_by_role("button", name="Pause line-3-inspect").click()
    expect(ana_at.row("line-3-inspect", ".status")).to_have_text("Paused", timeout=30_000)
    page.wait_for_timeout(6_000)

    told = page.evaluate("window.told")
    results = [text for text in told if re.search("line-3-inspect", text)]
    assert results == ["Paused line-3-inspect"]
    assert len(told) <= 3, told
    page.get_by_role("button", name="Resume line-3-inspect").click()
    expect(ana_at.row("line-3-inspect", ".status")).to_have_text("Ready", timeout=40_000)
