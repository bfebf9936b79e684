"""Take pictures of every page into docs/screenshots (make shots): light and dark, at 1360, 768, 375 pixels.

It starts a demo of its own, lets a day pass in its database, and plays a short story. PORTAL_SHOTS names
another folder. Each file is WebP, which Chromium writes by itself.
"""

import base64
import os
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

from tests import chromium
from tests.portal_process import ROOT, PortalProcess

FOLDER = Path(os.environ.get("PORTAL_SHOTS") or ROOT / "docs" / "screenshots")
LOOKS = (  # name, width, height, colour scheme
    ("light", 1360, 850, "light"),
    ("dark", 1360, 850, "dark"),
    ("tablet", 768, 1024, "light"),
    ("phone", 375, 812, "light"),
)
WORKSPACE = "/w/acme-vision/"
LET_A_DAY_PASS = """
from datetime import timedelta
from deployments.fleet.models import Deployment, StatusChange
from deployments.workspaces.models import Workspace
for number, row in enumerate(Deployment.objects.order_by("pk")):
    age = timedelta(hours=31 - number * 3 if number % 3 else 200)
    Deployment.objects.filter(pk=row.pk).update(
        first_seen_at=row.first_seen_at - age, status_since=row.status_since - age
    )
    StatusChange.objects.filter(deployment=row).update(observed_at=row.first_seen_at - age)
"""


def take_pictures() -> None:
    """Start a demo, play the story, and take a picture of each page in each look."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as home:
        portal = PortalProcess(Path(home) / "demo").start()
        try:
            done = portal.manage("shell", "-c", LET_A_DAY_PASS)
            assert done.returncode == 0, done.stderr
            with sync_playwright() as playwright:
                browser = chromium.launch(playwright)
                page = browser.new_context(base_url=portal.url).new_page()
                picture(page, "sign-in", "/accounts/login/")
                sign_in(page)
                for name, address in play(page).items():
                    picture(page, name, address)
                browser.close()
        finally:
            portal.stop()


def sign_in(page: Page) -> None:
    """Sign in as Ana, who is a manager and an administrator."""
    page.goto("/accounts/login/")
    page.fill("[name=login]", "ana@example.com")
    page.fill("[name=password]", "demo-portal")
    page.click("button:has-text('Sign in')")
    page.wait_for_url(lambda url: "/login" not in url)


def play(page: Page) -> dict[str, str]:
    """Create, pause, resume and pause several, one of which fails; return name to address of every page."""
    page.goto(WORKSPACE)
    link = page.locator("tr:has-text('pallet-counter') td.name a").get_attribute("href") or ""
    page.goto(f"{link}pause/")
    page.fill("[name=reason]", "New model goes in")
    page.click("main button.button-primary")
    page.wait_for_selector(".told:has-text('Paused')")
    page.goto(f"{link}resume/")
    page.click("main button.button-primary")
    page.wait_for_selector(".told:has-text('Ready')", timeout=60_000)
    page.goto(WORKSPACE)
    for name in ("ocr-benchmark", "helmet-check", "dock-cameras"):
        page.check(f"[aria-label='Select {name}']")
    page.click("[data-bulk-bar] button[value=pause]")
    page.fill("[name=reason]", "Nobody works on Sunday")
    page.click("main button.button-primary")
    page.wait_for_url("**/batches/**")
    page.wait_for_selector(".batch-sums:not(:has-text('running'))")
    batch = page.url
    page.goto(f"{WORKSPACE}deployments/new/")
    page.fill("[name=deployment_name]", "night-cam-2")
    page.check("[name=machine_type][value=dev-gpu]")
    page.click("button:has-text('Create deployment')")
    page.wait_for_url("**/operations/**")
    operation = page.url
    return {
        "fleet": WORKSPACE,
        "deployment": link,
        "deployment-week": f"{link}?range=7d",
        "log": f"{link}logs/",
        "deployment-activity": f"{link}activity/",
        "confirm": f"{link}pause/",
        "delete": f"{link}delete/",
        "new": f"{WORKSPACE}deployments/new/",
        "operation": operation,
        "operations": f"{WORKSPACE}operations/",
        "batch": batch,
        "activity": f"{WORKSPACE}activity/",
        "entry": "/activity/1/",
        "team": f"{WORKSPACE}team/",
        "keys": "/keys/",
        "profile": "/profile/",
        "people": "/people/",
        "system": "/system/",
        "audit-log": "/activity/",
        "not-found": f"{WORKSPACE}deployments/nobody-has-this/",
    }


def picture(page: Page, name: str, address: str) -> None:
    """Write the picture of one page in each look."""
    session = page.context.new_cdp_session(page)
    for look, width, height, scheme in LOOKS:
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.goto(address)
        page.wait_for_timeout(700)  # for what is drawn after the page came
        shot: dict[str, Any] = session.send("Page.captureScreenshot", {"format": "webp", "quality": 60})
        (FOLDER / f"{name}-{look}.webp").write_bytes(base64.b64decode(shot["data"]))


if __name__ == "__main__":
    take_pictures()
