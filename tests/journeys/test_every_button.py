"""Every button of every page, pressed once by each role: it does something, and nothing it does is refused.

The browser finds the pages itself, by the links that it sees, and presses what a person could press. A form is
sent as it is: what the portal then says beside a field (422) is a good answer.
"""

import signal
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
from tests.portal_process import PortalProcess, until

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
  for (const one of document.querySelectorAll("details")) one.open = true;
  const found = [...document.querySelectorAll("button, summary, input[type=submit], [role=button]")];
  const shown = found.filter((one) => !one.disabled && one.checkVisibility({ visibilityProperty: true }));
  window.controls = shown;
  return shown.map((one) => ({
    text: one.textContent.trim().replace(/\\s+/g, " "),
    value: one.value || "",
    place: one.closest("header, nav") ? "header" : "",
    action: one.form ? one.form.action : "",
  }));
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
  && !/[?&]format=/.test(one.href)).map((one) => one.href)"""
LAST = ("account_logout", "usersessions_list", "Sign out", "Remove", "Withdraw", "Delete")
IS_OPEN = "SELECT 1 FROM ledger_operation WHERE state = '{}'"


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

    def __post_init__(self):
        page = self.person.page
        page.add_init_script(f"({WITHOUT_LONG_TIMERS})()")
        page.on("response", lambda answer: self.answers.append((answer.status, answer.url)))
        page.on("request", lambda request: self.requests.append(request.url))
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
        pages, waiting = {}, list(first)
        while waiting:
            path = waiting.pop(0)
            self.open(path)
            if 400 <= (status := self.answers[-1][0] if self.answers else 200):
                self.faults.append(f"{path} answers {status}")
            for link in self.person.page.evaluate(LINKS):
                name = name_of(link, self.person.portal)
                if name and name not in pages:
                    pages[name] = urlsplit(link).path
                    waiting.append(pages[name])
        return list(dict.fromkeys([*first, *pages.values()]))

    def press_all(self, paths):
        """Press every kind of control of these pages, those that take something away at the end."""
        planned = []
        for path in paths:
            self.open(path)
            for one in self.person.page.evaluate(FIND):
                key = self.key_of(path, one)
                if key not in self.pressed:
                    self.pressed.add(key)
                    planned.append((path, key))
        planned.sort(key=lambda one: any(part.startswith(LAST) for part in one[1]))
        for path, key in planned:
            self.press(path, key)

    def key_of(self, path, control):
        """Return what tells this kind of control from others: equal ones of further rows are the same."""
        place = control["place"] or name_of(f"{self.person.portal.url}{path}", self.person.portal) or path
        action = name_of(control["action"], self.person.portal) or ""
        return place, action, control["text"], control["value"]

    def press(self, path, key):
        """Press one control of a page, and note it if nothing happens or something is refused."""
        page = self.person.page
        self.open(path)
        keys = [self.key_of(path, one) for one in page.evaluate(FIND)]
        if key not in keys:
            return  # what it is for was done, and is over
        control = page.evaluate_handle("place => window.controls[place]", keys.index(key)).as_element()
        page.evaluate(WATCH)
        self.answers.clear()
        self.requests.clear()
        try:
            control.click(timeout=5000)
        except Error as error:
            self.faults.append(f"{path}: {key} cannot be pressed: {str(error).splitlines()[0]}")
            return
        if not self.has_effect():
            self.faults.append(f"{path}: {key} does nothing")
        page.wait_for_load_state("networkidle")
        bad = [(status, url) for status, url in self.answers if 400 <= status != 422]
        if bad:
            self.faults.append(f"{path}: {key} is answered with {bad}")

    def has_effect(self):
        """Return whether a request, a change of the page or a message beside a field follows."""
        deadline = time.monotonic() + EFFECT_SECONDS
        while time.monotonic() < deadline:
            try:
                if self.requests or self.person.page.evaluate("window.effects"):
                    return True
            except Error:
                return True  # another page is there
            time.sleep(0.05)
        return False


@pytest.fixture(scope="module")
def all_states(tmp_path_factory):
    """Return a portal with operations in the states that have buttons, and the addresses of their pages."""
    home = tmp_path_factory.mktemp("buttons") / "home"
    portal = PortalProcess(home, OPERATION_CONFIRM_SECONDS=str(CONFIRM_SECONDS)).start()
    ana = Poster(portal.url, "ana@example.com", page=FLEET)
    paths = [
        ask(portal, ana, "night-shift", {"endpoint": "/pause", "kind": "ignored", "count": 1}),
        ask(portal, ana, "pallet-counter", {"endpoint": "/pause", "kind": "status", "status": 409, "count": 1}),
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
    path = listed.split(f'/pause/"')[0].rsplit('"', 1)[1]
    answer = person.post(f"{path}/pause/", {"form_token": str(uuid4())})
    return urlsplit(answer.headers["Location"]).path


@pytest.mark.parametrize("who", ["vera", "ben", "ana"])
def test_every_button_of_every_page_does_something_and_nothing_is_refused(who, all_states, page):
    presser = Presser(Person(page, all_states), who)

    pages = presser.find_pages(FLEET, *all_states.paths)
    presser.press_all(pages)

    assert presser.faults == []
    assert len(pages) > 10 and len(presser.pressed) > 15
