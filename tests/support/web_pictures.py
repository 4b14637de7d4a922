"""Pictures of the page and of the report for the docs: `sh scripts/pictures`."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Page, expect, sync_playwright
from web_page import CHROMIUM, EXAMPLE, WebServer, web_server

PATIENCE_MS = 120_000


def main() -> None:
    """Take them."""
    folder = Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as state, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        with web_server(Path(state)) as server:
            page = opened(browser, server)
            page.wait_for_selector("#empty")
            page.screenshot(path=folder / "web-empty.png")
        with web_server(Path(state), [EXAMPLE / "stems", "--reference", EXAMPLE / "reference.flac"]) as server:
            page = opened(browser, server)
            expect(page.locator("#message")).to_contain_text("done: predict", timeout=PATIENCE_MS)
            page.get_by_role("button", name="Lead Vocal", exact=True).click()
            page.wait_for_selector('#panel[data-shown="track/4"]')
            page.click("#play")
            page.wait_for_timeout(3000)
            page.screenshot(path=folder / "web.png")
            page.wait_for_selector("#lane .wave")
            page.locator("#lanes").scroll_into_view_if_needed()
            box = page.locator("#lane").bounding_box()
            assert box is not None
            for across, down in ((0.25, 0.35), (0.45, 0.35), (0.55, 0.6), (0.8, 0.6)):
                page.mouse.click(box["x"] + across * box["width"], box["y"] + down * box["height"])
            page.wait_for_timeout(1500)
            page.locator("#lanes").screenshot(path=folder / "web-lanes.png")
            dark = opened(browser, server, "dark", width=820)
            dark.wait_for_selector(".strip")
            dark.select_option("#language", "fr")
            dark.wait_for_selector('#panel[data-shown="track/0"]')
            dark.wait_for_timeout(2000)
            dark.screenshot(path=folder / "web-dark.png")
        demo = Path(state) / "demo"
        subprocess.run([sys.executable, "-m", "mixbridge.bridge.command", "demo", "-o", str(demo)], check=True)
        report = browser.new_page(viewport={"width": 985, "height": 1880})
        report.goto((demo / "report.html").as_uri())
        report.wait_for_timeout(1000)  # players show how long they are
        report.screenshot(path=folder / "report.png")
        browser.close()


def opened(browser: Browser, server: WebServer, scheme: Literal["light", "dark"] = "light", width: int = 1280) -> Page:
    """The page in a browser of its own."""
    page = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme).new_page()
    page.goto(server.url)
    return page


if __name__ == "__main__":
    main()
