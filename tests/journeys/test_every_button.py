"""Every button of every page, pressed once by each role: it does something, and nothing it does is refused.

The browser finds the pages itself, by the links that it sees, and presses what a person could press. A form
is sent as it is: what the portal then says beside a field (422) is a good answer.
"""

import re
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
import requests
from django.urls import Resolver404, resolve
from playwright.sync_api import Error

from tests.faults.person import Person as Poster
from tests.journeys.conftest import Person
from tests.portal_process import PortalProcess

FLEET = "/w/acme-vision/"
CONFIRM_SECONDS = 6
EFFECT_SECONDS = 5
# Polls and clocks would look like the effect of a click.
WITHOUT_LONG_TIMERS = """() => {
  const start = window.setTimeout;
  window.setTimeout = (run, after, ...more) => after >= 900 ? 0 : start(run, after, ...more);
  window.setInterval = () => 0;
}"""
FIND = """() => {
  document.querySelector("[data-select]:not(:checked)")?.click();
  for (const one of document.querySelectorAll("details")) one.open = true;
  const found = [...document.querySelectorAll("button, summary, input[type=submit], [role=button]")];
  const shown = found.filter((one) => !one.disabled && one.checkVisibility({ visibilityProperty: true }));
  window.controls = shown;
  const textOf = (one) => {
    const copy = one.cloneNode(true);
    for (const name of copy.querySelectorAll(".visually-hidden")) name.remove();
    return (copy.textContent.trim() || one.textContent.trim()).replace(/\\s+/g, " ");
  };
  return shown.map((one) => ({
    text: textOf(one),
    value: one.value || "",
    place: one.closest("header, nav") ? "header" : "",
    action: one.hasAttribute("formaction") ? one.formAction : one.form ? one.form.action : "",
  }));
}"""
CHOOSE = """(place) => {
  const chosen = window.controls[place];
  for (const one of document.querySelectorAll("details")) one.open = one.contains(chosen);
  for (const one of document.querySelectorAll("dialog[open]")) if (!one.contains(chosen)) one.close();
  return chosen;
}"""
WATCH = """() => {
  window.effects = 0;
  const count = () => { window.effects += 1; };
  new MutationObserver(count).observe(document, {
    subtree: true, childList: true, attributes: true, characterData: true,
  });
  for (const name of ["invalid", "toggle", "copy"]) document.addEventListener(name, count, true);
}"""
LINKS = """() => [...document.querySelectorAll("a[href]")].filter((one) => !one.hasAttribute("download")
  && !/[?&]format=/.test(one.getAttribute("href")))
  .map((one) => new URL(one.getAttribute("href"), location).href)"""
LAST = ("account_logout", "usersessions_list", "Sign out", "Remove", "Withdraw", "Delete")


def name_of(address, portal):
    """Return the name of the page with this address, None if it is not one of the portal's."""
    if not address.startswith(portal.url):
        return None
    try:
        return resolve(urlsplit(address).path).view_name
    except Resolver404:
        return None


@dataclass
class Presser:
    """Somebody who presses everything; `faults` says what went wrong."""

    person: Person
    who: str
    faults: list[str] = field(default_factory=list)
    pressed: set[tuple[str, ...]] = field(default_factory=set)
    answers: list = field(default_factory=list)
    requests: list = field(default_factory=list)
    ended: list = field(default_factory=list)

    def __post_init__(self):
        page = self.person.page
        page.add_init_script(f"({WITHOUT_LONG_TIMERS})()")
        page.on("response", lambda answer: self.answers.append((answer.status, answer.url)))
        page.on("request", lambda request: self.requests.append(request))
        page.on("requestfinished", lambda request: self.ended.append(request))
        page.on("requestfailed", lambda request: self.ended.append(request))
        page.on("dialog", lambda dialog: dialog.accept())
        self.person.sign_in(self.who)

    def open(self, path):
        """Open a page, signed in again when the last button signed this person out."""
        self.person.go(path)
        if "/login/" in self.person.page.url:
            self.person.sign_in(self.who)
            self.person.go(path)

    def find_pages(self, *first):
        """Return an address of every kind of page that links lead to, from the `first` ones on."""
        pages, waiting, found = {}, list(first), []
        while waiting:
            path = waiting.pop(0)
            self.open(path)
            found.append(urlsplit(self.person.page.url).path)  # "/" leads to a page with a name of its own
            if (status := self.answers[-1][0] if self.answers else 200) >= 400:
                self.faults.append(f"{path} answers {status}")
            for link in self.person.page.evaluate(LINKS):
                name = name_of(link, self.person.portal)
                if name and name not in pages:
                    pages[name] = urlsplit(link).path
                    waiting.append(pages[name])
        return list(dict.fromkeys(found))

    def press_all(self, paths):
        """Press every kind of control of these pages, those that take something away at the end."""
        planned = []
        for path in paths:
            self.open(path)
            new = [key for key in self.keys_here(path) if key not in self.pressed and self.is_own_part(key)]
            planned += [(path, key) for key in dict.fromkeys(new)]
            self.pressed.update(new)
        planned.sort(key=lambda one: any(part.startswith(LAST) for part in one[1]))
        for path, key in planned:
            self.press(path, key)

    def is_own_part(self, key):
        """Return whether this person presses it: what only runs a script is the same for all, so Ana does."""
        return self.who == "ana" or key[1] != ""

    def key_of(self, path, control):
        """Return what tells this kind of control from others: equal ones of further rows are the same."""
        place = control["place"] or name_of(f"{self.person.portal.url}{path}", self.person.portal) or path
        action = name_of(control["action"], self.person.portal) or ""
        return place, action, control["text"], control["value"]

    def press(self, path, key):
        """Press one control of a page; then one more, if that leads to a page that no link leads to."""
        self.open(path)
        keys = self.keys_here(path)
        if key not in keys:
            return  # what it is for was done, and is over
        self.press_here(path, key, keys)
        there = urlsplit(self.person.page.url).path
        keys = self.keys_here(there)
        for new in [one for one in keys if one not in self.pressed][:1]:
            self.pressed.add(new)
            self.press_here(f"{path} {key} {there}", new, keys)

    def keys_here(self, path):
        """Return the keys of all controls of the page that is open."""
        return [self.key_of(path, one) for one in self.person.page.evaluate(FIND)]

    def press_here(self, path, key, keys):
        """Press one control of the page that is open, and note it if it does nothing or is refused."""
        page = self.person.page
        control = page.evaluate_handle(CHOOSE, keys.index(key)).as_element()
        page.evaluate(WATCH)
        for noted in (self.answers, self.requests, self.ended):
            noted.clear()
        try:
            control.click(timeout=5000)
        except Error as error:
            if "not attached" in str(error) and key not in self.keys_here(urlsplit(page.url).path):
                return  # a poll has taken it away: what it is for is over
            self.faults.append(f"{path}: {key} cannot be pressed: {str(error).splitlines()[0]}")
            return
        if not self.has_effect():
            self.faults.append(f"{path}: {key} does nothing")
        self.wait_for_answers()
        bad = [(status, url) for status, url in self.answers if 400 <= status != 422]
        if bad:
            self.faults.append(f"{path}: {key} is answered with {bad}")

    def wait_for_answers(self):
        """Wait until no request is on its way, and a page that is loading is there."""
        deadline = time.monotonic() + EFFECT_SECONDS
        self.person.page.wait_for_timeout(30)
        while len(self.ended) < len(self.requests) and time.monotonic() < deadline:
            self.person.page.wait_for_timeout(20)
        self.person.page.wait_for_load_state()

    def has_effect(self):
        """Return whether a request, a change of the page or a message beside a field follows."""
        deadline = time.monotonic() + EFFECT_SECONDS
        while time.monotonic() < deadline:
            try:
                if self.requests or self.person.page.evaluate("window.effects"):
                    return True
            except Error:
                return True  # another page is there
            self.person.page.wait_for_timeout(20)
        return False


@pytest.fixture(scope="module")
def all_states(tmp_path_factory):
    """Return a portal with operations in the states that have buttons, and the addresses of their pages."""
    home = tmp_path_factory.mktemp("buttons") / "home"
    portal = PortalProcess(home, OPERATION_CONFIRM_SECONDS=str(CONFIRM_SECONDS)).start()
    ana = Poster(portal.url, "ana@example.com", page=FLEET)
    paths = [
        ask(portal, ana, "night-shift", {"endpoint": "/pause", "kind": "ignored", "count": 1}),
        ask(
            portal, ana, "pallet-counter", {"endpoint": "/pause", "kind": "status", "status": 409, "count": 1}
        ),
    ]
    time.sleep(CONFIRM_SECONDS + 3)
    portal.paths = paths
    yield portal
    portal.stop()


def ask(portal, person, name, fault):
    """Ask for a pause that meets a fault, and return the path of its operation."""
    faults = f"http://127.0.0.1:{portal.sandbox_port}/__sandbox/faults"
    requests.post(faults, json=fault, timeout=10, proxies={"http": ""})
    listed = person.session.get(f"{portal.url}{FLEET}?q={name}", timeout=10).text
    path = re.search(rf'href="([^"]*/deployments/[^"/]+/)"[^>]*>\s*{name}', listed)[1]
    answer = person.post(f"{path}pause/", {"form_token": str(uuid4())})
    return urlsplit(answer.headers["Location"]).path


@pytest.mark.parametrize("who", ["vera", "ben", "ana"])
def test_every_button_of_every_page_does_something_and_nothing_is_refused(who, all_states, page):
    presser = Presser(Person(page, all_states), who)

    pages = presser.find_pages(FLEET, *all_states.paths)
    presser.press_all(pages)

    assert not presser.faults, "\n".join(presser.faults)
    assert len(pages) > 10 and len(presser.pressed) > 15


def test_a_dead_button_and_a_refused_one_are_found(all_states, page):
    presser = Presser(Person(page, all_states), "ana")
    extra = '<button type="button">Dead</button><form method="post"><button>Refused</button></form>'

    def add_buttons(route):
        answer = route.fetch()
        route.fulfill(response=answer, body=answer.text().replace("<h1", f"{extra}<h1", 1))

    page.route("**/profile/", add_buttons)
    presser.press_all(["/profile/"])

    assert len(presser.faults) == 2
    assert "'Dead', '') does nothing" in presser.faults[0] and "(403," in presser.faults[1]
