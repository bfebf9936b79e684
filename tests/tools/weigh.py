"""Print what a browser loads (make weights): a first visit, the fleet with a warm cache, and polls.

Bytes are those on the wire, compressed, as Chromium counts them. It starts a demo of its own.
"""

import gzip
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests import chromium
from tests.portal_process import ROOT, PortalProcess
from tests.tools.shots import WORKSPACE, sign_in

LIMITS = {"css": 20 * 1024, "js": 30 * 1024}  # bytes of our own code, compressed


def own_weight(kind: str) -> int:
    """Return the bytes of all our files of a kind, together and compressed."""
    paths = sorted((ROOT / "static" / kind).glob(f"*.{kind}"))
    return len(gzip.compress(b"".join(path.read_bytes() for path in paths), 6))


def main() -> None:
    """Print the weights."""
    for kind, limit in LIMITS.items():
        print(f"our {kind}: {own_weight(kind):,} bytes of at most {limit:,}")
    with tempfile.TemporaryDirectory() as home, sync_playwright() as playwright:
        portal = PortalProcess(Path(home) / "demo").start()
        try:
            browser = chromium.launch(playwright)
            page = browser.new_context(base_url=portal.url).new_page()
            session = page.context.new_cdp_session(page)
            loads: list[float] = []
            session.send("Network.enable")
            session.on("Network.loadingFinished", lambda event: loads.append(event["encodedDataLength"]))

            def weigh(what: str, seconds: float) -> None:
                page.wait_for_timeout(seconds * 1000)
                print(f"{what}: {len(loads)} requests, {sum(loads):,.0f} bytes")
                loads.clear()

            page.goto("/accounts/login/")
            weigh("first visit, sign-in page", 1)
            sign_in(page)
            weigh("after signing in, the fleet", 1)
            page.goto(WORKSPACE)
            weigh("the fleet again", 1)
            page.wait_for_timeout(2000)
            loads.clear()
            weigh("60 seconds of the open fleet, nothing changes", 60)
            page.click("tr:has-text('pallet-counter') .act")
            weigh("one pause, until it is done", 8)
        finally:
            portal.stop()


if __name__ == "__main__":
    main()
