"""A page that stays open stays true: ages tick, count from the last read, and by the portal's clock."""

import re
from datetime import datetime, timedelta

import pytest

FLEET = "/w/acme-vision/"
UNITS = {"s": 1, "min": 60, "h": 3600, "d": 86400}


def seconds_of(text):
    """Return the seconds of an age such as "5 min", "1 h 5 min" or "5 min ago"."""
    if text == "just now":
        return 0
    parts = re.fullmatch(r"(\d+) (s|min|h|d)(?: (\d+) (min|h))?(?: ago)?", text).groups()
    return int(parts[0]) * UNITS[parts[1]] + int(parts[2] or 0) * UNITS.get(parts[3], 0)


def test_the_age_is_renewed_by_polls_that_bring_nothing_new(ana_at):
    ana_at.go(FLEET)
    age = ana_at.page.locator("time[data-fresh]").first
    row = ana_at.row("night-shift").first

    for _ in range(4):  # the demo's deployments may still be starting: a poll that brings that draws the row
        row.evaluate("element => { element.dataset.mark = 'drawn once' }")
        first_read, ages = age.get_attribute("datetime"), []
        for _ in range(24):
            ana_at.page.wait_for_timeout(500)
            ages.append(seconds_of(age.text_content()))
        if row.get_attribute("data-mark"):
            break

    assert age.get_attribute("datetime") > first_read
    assert max(ages) <= 12  # the list is read every 5 s, and polls every 5 s
    assert len(set(ages)) > 2  # it ticks
    assert row.get_attribute("data-mark") == "drawn once"


@pytest.mark.parametrize("minutes", [-30, 30])
def test_a_browser_whose_clock_is_wrong_shows_the_right_ages(minutes, ana_at):
    ana_at.page.clock.set_system_time(datetime.now() + timedelta(minutes=minutes))
    ana_at.go(FLEET)

    ana_at.page.wait_for_timeout(2_500)
    ages = [seconds_of(text) for text in ana_at.page.locator("time[data-fresh]").all_text_contents()]

    assert ages and max(ages) < 30


def test_when_a_dev_type_expires_and_system_go_on(ana_at):
    ana_at.go("/system/")
    seen = ana_at.page.locator("td[data-label='Last seen'] time").all_text_contents()
    assert seen and max(map(seconds_of, seen)) < 60

    ana_at.page.evaluate(
        """() => {
            const left = document.createElement("time");
            left.id = "left";
            left.dataset.left = "";
            left.dateTime = new Date(Date.now() + 2_500).toISOString();
            document.querySelector("main").append(left);
        }"""
    )
    ana_at.page.wait_for_function("() => document.getElementById('left').textContent.startsWith('in ')")
    ana_at.page.wait_for_function("() => document.getElementById('left').textContent === 'about now'")


# The rules whose :has() looks through all that is below an element around a row. Each change in a row would
# make the browser look through the whole table again.
WIDE_RULES = """() => {
  const row = document.querySelector("tr[data-deployment] .status");
  const ofSheet = ({ cssRules }) => [...(cssRules ?? [])].flatMap((rule) => [rule, ...ofSheet(rule)]);
  const subject = (selector) => selector.slice(0, selector.indexOf(":has(")).trim();
  return [...document.styleSheets].flatMap(ofSheet)
    .flatMap((rule) => (rule.selectorText ?? "").split(/,(?![^(]*\\))/))
    .filter((selector) => /:has\\((?!\\s*>)/.test(selector) && subject(selector))
    .filter((selector) => row.closest(subject(selector)));
}"""


def test_no_style_makes_each_change_of_a_row_look_through_the_whole_table(ana_at):
    ana_at.go(FLEET)
    assert ana_at.page.evaluate(WIDE_RULES) == []

    ana_at.page.evaluate(
        """() => {
            const sheet = new CSSStyleSheet();
            sheet.replaceSync("@media all { td, .table:has(.x, .y) td { color: red } }");
            document.adoptedStyleSheets = [sheet];
            Object.defineProperty(document, "styleSheets", { value: [sheet] });
        }"""
    )
    assert ana_at.page.evaluate(WIDE_RULES) == [" .table:has(.x, .y) td"]  # one would be seen


def test_a_status_that_turns_costs_the_page_next_to_nothing(ana_at):
    """An animation that the browser cannot do aside paints all rows anew, sixty times a second."""
    page = ana_at.page
    ana_at.go(FLEET)
    page.evaluate("document.querySelector('tr[data-deployment] .status').classList.add('is-pending')")
    turning = "document.getAnimations().filter((one) => one.animationName === 'turn').length"
    assert page.evaluate(turning) >= 1
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")

    def recalculations():
        metrics = session.send("Performance.getMetrics")["metrics"]
        return next(one["value"] for one in metrics if one["name"] == "RecalcStyleCount")

    before = recalculations()
    page.wait_for_timeout(4_000)
    seen = recalculations() - before

    assert page.evaluate(turning) >= 1
    assert seen < 40  # a few each second are those of the ages; an animation of the page itself makes 240
