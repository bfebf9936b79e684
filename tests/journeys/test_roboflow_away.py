"""While Roboflow is away, pages answer and say how old their facts are; and no page or file holds a key."""

import os
import signal

import pytest
from playwright.sync_api import expect

from tests.files import contents
from tests.journeys.conftest import Person
from tests.portal_process import PortalProcess

PAGES = [
    "/w/acme-vision/",
    "/w/acme-vision/operations/",
    "/w/acme-vision/activity/",
    "/w/acme-vision/team/",
    "/keys/",
    "/system/",
    "/activity/",
]
KEYS = [b"sandbox-key-ana", b"sandbox-key-ben", b"sandbox-key-cam"]


@pytest.fixture
def own_portal(tmp_path):
    portal = PortalProcess(tmp_path / "home", SYNC_ACTIVE_SECONDS="1", SYNC_IDLE_SECONDS="3").start()
    yield portal
    portal.stop()


def test_pages_answer_say_their_age_and_recover(page, own_portal):
    person = Person(page, own_portal).sign_in("ana")
    person.go("/w/acme-vision/")
    expect(person.row("pallet-counter").first).to_be_visible()
    sandbox, warning = (
        own_portal.children()["sandbox"],
        page.locator("#heartbeat > summary", has_text="Roboflow silent for"),
    )

    os.kill(sandbox, signal.SIGSTOP)
    try:
        expect(warning).to_be_visible(timeout=60_000)
        for path in PAGES:
            assert page.request.get(f"{own_portal.url}{path}", timeout=5_000).status == 200
        person.go("/w/acme-vision/")
        expect(person.row("pallet-counter").first).to_be_visible()
    finally:
        os.kill(sandbox, signal.SIGCONT)

    expect(warning).to_have_count(0, timeout=60_000)


def test_no_key_is_in_any_page_log_file_broker_or_export(page, own_portal):
    person = Person(page, own_portal).sign_in("ana")
    person.create("no-key-here")
    exports = [f"{path}?format=csv" for path in ("/activity/", "/w/acme-vision/operations/")]
    texts = {path: page.request.get(f"{own_portal.url}{path}").body() for path in [*PAGES, *exports]}
    texts["trail"] = own_portal.manage("audit", "export").stdout.encode()
    own_portal.stop()
    texts |= contents(own_portal.home, but="sandbox") | {"output": own_portal.out.read_bytes()}

    names = " ".join(texts)
    assert [
        place for place in ("sqlite3", "worker-act.log", "worker-read.log", "broker") if place not in names
    ] == []
    assert len(texts["trail"]) > 200
    assert [(name, key) for name, text in texts.items() for key in KEYS if key in text] == []
