"""Fixtures of the journeys: a portal as `make demo` starts it, and a person at a browser."""

import pytest

from tests.portal_process import PortalProcess


def pytest_collection_modifyitems(items):
    """Mark the journeys as tests that start processes."""
    for item in items:
        if "journeys" in str(item.path):
            item.add_marker("processes")


@pytest.fixture(scope="session")
def portal(tmp_path_factory):
    process = PortalProcess(tmp_path_factory.mktemp("journeys") / "home").start()
    yield process
    process.stop()


class Person:
    """Somebody at a browser. `errors` holds what the browser's console reported."""

    def __init__(self, page, portal):
        self.page, self.portal, self.errors = page, portal, []
        page.on("console", self.keep_error)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.set_default_timeout(40_000)  # ends what hangs; on a busy machine all is slow

    def keep_error(self, message):
        if message.type == "error":
            self.errors.append(message.text)

    def sign_in(self, who="ana"):
        self.go("/accounts/login/")
        self.page.fill("[name=login]", f"{who}@example.com")
        self.page.fill("[name=password]", "demo-portal")
        self.page.click("button:has-text('Sign in')")
        self.page.wait_for_url(lambda url: "/login" not in url)
        return self

    def go(self, path):
        self.page.goto(f"{self.portal.url}{path}")

    def row(self, name, selector=""):
        """Return what the selector finds in the row of a deployment."""
        return self.page.locator(f"tr:has-text('{name}') {selector}".strip())

    def choose(self, name, entry):
        """Choose an entry of the menu of a deployment's row."""
        self.row(name, "[data-menu]").first.click()
        self.page.get_by_role("menuitem", name=entry, exact=True).click()

    def create(self, name):
        """Submit the form of a new deployment and wait until Roboflow reports it as ready."""
        self.go("/w/acme-vision/deployments/new/")
        self.page.fill("[name=deployment_name]", name)
        self.page.check("[name=machine_type][value=dev-cpu]")
        self.page.click("summary:has-text('More options')")
        self.page.fill("[name=reason]", "a journey")
        self.page.click("button:has-text('Create deployment')")
        self.page.wait_for_url("**/operations/**")
        self.page.wait_for_selector("#operation .told:has-text('Ready')", timeout=40_000)


@pytest.fixture
def person(page, portal):
    return Person(page, portal)


@pytest.fixture
def ana_at(person):
    return person.sign_in("ana")


@pytest.fixture
def vera_at(ana_at, portal):
    """Vera, who may look, in a browser of her own beside Ana's."""
    context = ana_at.page.context.browser.new_context()
    yield Person(context.new_page(), portal).sign_in("vera")
    context.close()
