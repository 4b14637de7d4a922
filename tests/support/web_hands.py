"""What hands do on the page in Chromium, for tests."""

from __future__ import annotations

from mixbridge.presets import files
from mixbridge.presets.preset import Preset
from playwright.sync_api import Locator, Page
from web_page import WebServer

PATIENCE_MS = 120_000
NAMES = ("Bass", "Kick", "Lead Vocal")


def opened(page: Page, server: WebServer) -> Page:
    """The page with its mixer."""
    page.goto(server.url)
    page.wait_for_selector(".strip")
    return page


def saved(page: Page) -> Preset:
    """The preset that the page's button saves."""
    with page.expect_download() as download:
        page.click("#save")
    return files.load(download.value.path())


def slider(page: Page, path: str) -> Locator:
    """The control of a setting of the selected strip."""
    return page.locator(f'#controls input[data-path="{path}"]')
