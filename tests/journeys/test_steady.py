"""Nothing moves under the hand: rows keep their places while things happen, in every frame."""

import uuid

import pytest
import requests
from playwright.sync_api import expect

FLEET = "/w/acme-vision/"
LARGEST_SHIFT = 0.01
# The rows' places are read in each frame; a row that is gone counts as moved.
WATCH = """() => {
  const rows = [...document.querySelectorAll("tr[data-deployment]")];
  const places = rows.map((row) => row.getBoundingClientRect().top + scrollY);
  window.moved = {};
  window.shift = 0;
  const look = () => {
    rows.forEach((row, place) => {
      const present = document.getElementById(row.id);
      const now = present ? present.getBoundingClientRect().top + scrollY : Infinity;
      if (Math.abs(now - places[place]) > 0.5) window.moved[row.id] = now - places[place];
    });
    requestAnimationFrame(look);
  };
  look();
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shift += entry.value;
  }).observe({ type: "layout-shift", buffered: false });
}"""


@pytest.mark.parametrize(("width", "height"), [(1360, 850), (768, 900), (375, 812)])
def test_own_actions_selections_and_news_move_no_row(width, height, ana_at):
    page, new = ana_at.page, f"steady-{uuid.uuid4().hex[:5]}"
    sandbox = f"http://127.0.0.1:{ana_at.portal.sandbox_port}/__sandbox/deployments"
    page.set_viewport_size({"width": width, "height": height})
    ana_at.go(FLEET)
    page.evaluate(WATCH)

    page.get_by_role("button", name="Pause dock-cameras").click()
    page.get_by_label("Select helmet-check").check()
    page.get_by_label("Select all on this page").check() if width > 640 else None
    change = {"workspace": "acme-vision", "action": "pause"}
    assert requests.post(f"{sandbox}/line-3-inspect", json=change, timeout=5).ok
    made = {"workspace": "acme-vision", "create": {"status": "ready"}}
    assert requests.post(f"{sandbox}/{new}", json=made, timeout=5).ok

    expect(ana_at.row("dock-cameras", ".status")).to_have_text("Paused", timeout=20_000)
    expect(ana_at.row("line-3-inspect", ".status")).to_have_text("Paused", timeout=20_000)
    expect(page.locator("[data-pill]")).to_have_text("1 new", timeout=20_000)
    page.get_by_role("button", name="Resume dock-cameras").click()
    page.mouse.move(width // 2, height // 2)
    page.wait_for_timeout(5_000)

    assert page.evaluate("window.moved") == {}
    assert page.evaluate("window.shift") < LARGEST_SHIFT
    page.locator("[data-pill]").click()
    expect(ana_at.row(new).first).to_be_visible()
    assert page.get_by_label("Select helmet-check").is_checked()
    assert ana_at.errors == []

    for name in (new, "line-3-inspect"):  # for the next width
        back = {"workspace": "acme-vision", "action": "delete" if name == new else "resume"}
        assert requests.post(f"{sandbox}/{name}", json=back, timeout=5).ok


def test_a_new_deployment_slides_in_when_nobody_uses_the_page(ana_at):
    new = f"slide-{uuid.uuid4().hex[:5]}"
    sandbox = f"http://127.0.0.1:{ana_at.portal.sandbox_port}/__sandbox/deployments"
    ana_at.go(FLEET)

    made = {"workspace": "acme-vision", "create": {"status": "ready"}}
    assert requests.post(f"{sandbox}/{new}", json=made, timeout=5).ok

    expect(ana_at.page.locator("[data-pill]")).to_have_text("1 new", timeout=15_000)
    expect(ana_at.row(new).first).to_be_visible(timeout=30_000)


def test_a_change_of_one_row_sends_little_and_draws_only_that_row(ana_at):
    page, sizes = ana_at.page, []
    ana_at.go(FLEET)
    for name in ("line-3-inspect", "dock-cameras"):  # which other tests pause and resume
        expect(ana_at.row(name, ".status")).to_have_text("Ready", timeout=40_000)
    page.wait_for_timeout(1_000)
    page.evaluate(
        """() => {
          window.drawn = new Set();
          new MutationObserver((list) => {
            for (const one of list) {
              const changed = one.target.nodeType === 1 ? one.target : one.target.parentElement;
              const row = changed?.closest("tr");
              if (row && !changed.closest("time")) window.drawn.add(row.id);
            }
          }).observe(document.querySelector("tbody"), { subtree: true, childList: true, attributes: true });
        }"""
    )
    page.on("response", lambda answer: sizes.append(answer) if "rev=" in answer.url else None)

    sandbox = f"http://127.0.0.1:{ana_at.portal.sandbox_port}/__sandbox/deployments"
    change = {"workspace": "acme-vision", "action": "pause"}
    assert requests.post(f"{sandbox}/pallet-counter", json=change, timeout=5).ok
    expect(ana_at.row("pallet-counter", ".status")).to_have_text("Paused", timeout=20_000)

    row = ana_at.row("pallet-counter").get_attribute("id")
    news = [one for one in sizes if one.status == 200]
    bodies = [one.request.sizes()["responseBodySize"] for one in news]
    assert page.evaluate("[...window.drawn]") == [row]
    assert 0 < sum(bodies) <= 4096, bodies
    requests.post(f"{sandbox}/pallet-counter", json=change | {"action": "resume"}, timeout=5)
