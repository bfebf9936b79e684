"""One portal per worker for the journeys, started as `make demo` starts it."""

import pytest

from tests.portal_process import PortalProcess


def pytest_collection_modifyitems(items):
    for item in items:
        if "journeys" in str(item.path):
            item.add_marker("processes")


@pytest.fixture(scope="session")
def portal(tmp_path_factory):
    made = PortalProcess(tmp_path_factory.mktemp("journeys") / "home").start()
    yield made
    made.stop()


class Person:
    """Somebody at a browser; what the browser complained about is kept."""

    def __init__(self, page, portal):
        self.page, self.portal, self.complaints = page, portal, []
        page.on(
            "console",
            lambda message: self.complaints.append(message.text) if message.type == "error" else None,
        )
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.set_default_timeout(20_000)

    def sign_in(self, who="ana"):
        self.go("/accounts/login/")
        self.page.fill("[name=login]", f"{who}@example.com")
        self.page.fill("[name=password]", "demo-portal")
        self.page.click("button:has-text('Sign in')")
        self.page.wait_for_url(lambda url: "/login" not in url)
        return self

    def go(self, path):
        self.page.goto(f"{self.portal.url}{path}")

    def row(self, name, more=""):
        return self.page.locator(f"tr:has-text('{name}') {more}".strip())

    def create(self, name):
        """Fill in the form and wait until Roboflow reports it ready."""
        self.go("/w/acme-vision/deployments/new/")
        self.page.fill("[name=deployment_name]", name)
        self.page.select_option("[name=machine_type]", "dev-cpu")
        self.page.fill("[name=reason]", "a journey")
        self.page.click("button:has-text('Create deployment')")
        self.page.wait_for_url("**/operations/**")
        self.page.wait_for_selector("#operation .status:has-text('succeeded')", timeout=40_000)


@pytest.fixture
def person(page, portal):
    return Person(page, portal)


@pytest.fixture
def ana_at(person):
    return person.sign_in("ana")
