"""The page in Chromium, for tests: a browser, a server with three short tracks, a page that may complain of nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import soundfile as sf
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright
from web_hands import NAMES, PATIENCE_MS
from web_page import CHROMIUM, EXAMPLE, WebServer, web_server


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def stems(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three tracks of the example, 6 s long."""
    folder = tmp_path_factory.mktemp("stems")
    for name in NAMES:
        audio, rate_hz = sf.read(EXAMPLE / "stems" / f"{name}.flac", stop=6 * 44100)
        sf.write(folder / f"{name}.wav", audio, rate_hz)
    return folder


@pytest.fixture(scope="module")
def server(stems: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebServer]:
    with web_server(tmp_path_factory.mktemp("state"), [stems]) as running:
        yield running


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 1280, "height": 900}, locale="en-GB")
    page.set_default_timeout(PATIENCE_MS)
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda said: faults.append(said.text) if is_fault(said) else None)
    yield page
    page.context.close()
    assert not faults


def is_fault(said: ConsoleMessage) -> bool:
    """What a browser complains about, but for requests that a server answers with an error, or does not answer."""
    return said.type in {"error", "warning"} and "Failed to load resource" not in said.text
