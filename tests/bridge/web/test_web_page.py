"""The page in Chromium: from dropped stems to a pushed and undone preset, by hand and by keyboard."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from desk_simulator import X32Simulator
from mixbridge.bridge.server.steps import GESTURE_S
from playwright.sync_api import Browser, Page, expect
from web_hands import NAMES, PATIENCE_MS, opened, saved, slider
from web_page import CHROMIUM, EXAMPLE, WebServer, web_server

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")

# What a page would run, and a terminal would obey.
HOSTILE = "<img src=x onerror=document.title='run'>"


def test_from_dropped_stems_to_a_pushed_and_undone_preset(
    browser: Browser, page: Page, stems: Path, tmp_path: Path
) -> None:
    with web_server(tmp_path) as server, X32Simulator() as desk:
        for number, name in enumerate(NAMES, 1):
            desk.values[f"/ch/{number:02}/config/name"] = name
        before = dict(desk.values)
        page.goto(server.url)
        expect(page.locator("#empty")).to_be_visible()
        page.click("#open-more")
        page.set_input_files("#stem-files", [stems / f"{name}.wav" for name in NAMES])
        page.set_input_files("#reference-file", EXAMPLE / "reference.flac")
        expect(page.locator(".strip .name", has_text="Lead Vocal")).to_be_visible()
        expect(page.locator("#predict")).to_be_enabled(timeout=PATIENCE_MS)
        page.click("#predict")
        expect(page.locator("#message")).to_contain_text("Predicted.", timeout=PATIENCE_MS)
        expect(page.locator("[data-version=predicted]")).to_be_enabled()
        assert saved(page).track("Lead Vocal").role == "lead vocal"

        page.click("#open-push")
        page.fill("#desk", f"x32://127.0.0.1:{desk.port}")
        page.check("#push-faders")
        page.click("#make-plan")
        expect(page.locator("#plan")).to_contain_text("Lead Vocal", timeout=PATIENCE_MS)
        assert desk.values == before
        page.click("#do-push")
        expect(page.locator("#message")).to_contain_text("Pushed.", timeout=PATIENCE_MS)
        expect(page.locator("#plan table")).to_contain_text("confirmed")
        expect(page.locator("#plan table")).to_contain_text("Lead Vocal")
        changed = {address for address in before if desk.values[address] != before[address]}
        assert any(address.startswith("/ch/03/eq") for address in changed)
        assert "/ch/03/mix/fader" in changed
        page.click("#undo-push")
        expect(page.locator("#message")).to_contain_text("The push is undone.", timeout=PATIENCE_MS)
        assert desk.values == before


def test_a_node_that_is_dragged_stands_in_the_saved_preset(page: Page, server: WebServer) -> None:
    opened(page, server)
    node = page.locator('#eq circle[data-band="band1"]')
    box, picture = node.bounding_box(), page.locator("#eq").bounding_box()
    assert box is not None
    assert picture is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    # An octave down, 6 dB up: ten octaves are less than three decades across, 36 dB from top to bottom.
    octave = picture["width"] * 0.30103 / 3
    page.mouse.move(x - octave / 2, y - picture["height"] / 12, steps=5)
    page.wait_for_timeout(1000 * GESTURE_S + 200)  # a hand that rests has not let go
    page.mouse.move(x - octave, y - picture["height"] / 6, steps=5)
    page.mouse.up()
    expect(slider(page, "eq.band1.gain_db")).to_have_attribute("aria-valuetext", "6.0 dB")
    expect(page.locator("#undo")).to_be_enabled()
    band = saved(page).tracks[0].strip.eq.band1
    assert band.gain_db == pytest.approx(6, abs=0.2)
    assert band.freq_hz == pytest.approx(1500, rel=0.03)
    page.click("#undo")  # the whole drag is one step
    expect(slider(page, "eq.band1.gain_db")).to_have_attribute("aria-valuetext", "0.0 dB")


def test_a_lane_is_drawn_by_hand_and_stands_in_the_saved_preset(page: Page, server: WebServer) -> None:
    """Two points clicked, one dragged, one moved by keys; undone, removed."""
    opened(page, server)
    page.locator(".strip .name", has_text="Kick").click()
    page.wait_for_selector('#panel[data-shown="track/1"] .wave')
    picture = page.locator("#lane")
    picture.scroll_into_view_if_needed()
    box = picture.bounding_box()
    assert box is not None
    second = box["width"] / 6
    page.mouse.click(box["x"] + second, box["y"] + 60)
    page.mouse.click(box["x"] + 4 * second, box["y"] + 60)
    first, other = page.locator("#lane circle").first, page.locator("#lane circle").nth(1)
    first.focus()
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("ArrowUp")
    before = other.get_attribute("aria-valuetext")
    page.mouse.move(box["x"] + 4 * second, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + 5 * second, box["y"] + 120, steps=4)
    page.mouse.up()
    expect(other).not_to_have_attribute("aria-valuetext", str(before))
    (lane,) = saved(page).tracks[1].lanes
    assert lane.parameter == "fader_db"
    assert [point.time_s for point in lane.points] == pytest.approx([2, 5], abs=0.05)
    # 24 dB are 160 px of its 180: 60 px are 9 dB, and the key was half a dB.
    high, low = (point.value for point in lane.points)
    assert high - low == pytest.approx(9.5, abs=0.3)
    page.click("#undo")  # the drag alone
    expect(other).to_have_attribute("aria-valuetext", str(before))
    page.locator("#lane circle").nth(1).focus()
    page.keyboard.press("Delete")
    expect(page.locator("#lane circle")).to_have_count(1)
    page.click("#lane-remove")
    expect(page.locator("#lane circle")).to_have_count(0)
    assert not saved(page).tracks[1].lanes
    page.keyboard.press("Control+z")
    expect(page.locator("#lane circle")).to_have_count(1)


def test_versions_are_switched_and_what_comes_is_the_runtimes_render(page: Page, server: WebServer) -> None:
    opened(page, server)
    with page.expect_response("**/api/sound/raw*") as raw:
        page.click("[data-version=raw]")
    assert raw.value.body() == server.ask("/api/sound/raw")[2]
    with page.expect_response("**/api/sound/mix*") as mix:
        page.keyboard.press("3")
    assert mix.value.body() == server.ask("/api/sound/mix")[2] != raw.value.body()
    assert float(mix.value.headers["x-mixbridge-gain-db"]) != 0
    page.click("#play")
    expect(page.locator("#play")).to_have_text("Stop")
    page.click("#play")
    expect(page.locator("#play")).to_have_text("Play")


def test_the_keyboard_alone_does_all(page: Page, server: WebServer) -> None:
    opened(page, server)
    fader = page.locator(".strip input.fader").nth(1)
    start = saved(page).tracks[1].strip.fader_db
    fader.focus()
    for _ in range(6):
        page.keyboard.press("ArrowUp")
    expect(page.locator("#undo")).to_be_enabled()
    # Saved first: the button's click waits its turn behind the keys, the attribute is read at any time between them.
    moved = saved(page).tracks[1].strip.fader_db
    assert moved > start
    expect(fader).to_have_attribute("aria-valuetext", f"{moved:.1f} dB")
    fader.focus()
    page.keyboard.press("n")  # neutral
    expect(fader).to_have_attribute("aria-valuetext", "0.0 dB")
    page.locator(".strip .name").nth(1).focus()
    page.keyboard.press("Enter")
    expect(page.locator("#panel-title")).to_contain_text("Kick")
    page.locator('#eq circle[data-band="low_shelf"]').focus()
    page.keyboard.press("ArrowDown")
    expect(slider(page, "eq.low_shelf.gain_db")).to_have_attribute("aria-valuetext", "-0.5 dB")
    page.keyboard.press("Control+z")
    expect(slider(page, "eq.low_shelf.gain_db")).to_have_attribute("aria-valuetext", "0.0 dB")
    reached = set()
    for _ in range(14):
        page.keyboard.press("Tab")
        reached.add(
            page.evaluate("document.activeElement.getAttribute('aria-label') || document.activeElement.textContent")
        )
    assert len(reached) > 10


def test_two_pages_show_the_same_and_a_reload_loses_nothing(browser: Browser, page: Page, server: WebServer) -> None:
    opened(page, server)
    other = opened(browser.new_page(), server)
    mute = page.get_by_role("button", name="Mute Bass")
    mute.click()
    expect(other.get_by_role("button", name="Mute Bass")).to_have_attribute("aria-pressed", "true", timeout=PATIENCE_MS)
    other.get_by_role("button", name="Mute Bass").click()
    expect(mute).to_have_attribute("aria-pressed", "false", timeout=PATIENCE_MS)
    other.close()
    number = slider(page, "pan").locator("xpath=following-sibling::input")
    number.fill("0.25")
    number.press("Enter")
    expect(page.locator(".strip .value", has_text="R 25")).to_be_visible()
    assert saved(page).tracks[0].strip.pan == 0.25
    page.reload()
    expect(page.locator(".strip .value", has_text="R 25")).to_be_visible(timeout=PATIENCE_MS)


def test_a_server_that_died_is_told_and_the_page_goes_on(page: Page, stems: Path, tmp_path: Path) -> None:
    with web_server(tmp_path, [stems]) as server:
        opened(page, server)
        server.json("/api/edit", {"edits": [{"part": "track", "index": 2, "path": "fader_db", "value": -4.0}]})
        expect(page.locator(".strip").nth(2).locator(".value").first).to_have_text("-4.0 dB")
        kept = next((tmp_path / "mixbridge" / "web").iterdir()) / "studio.json"
        while not (kept.exists() and "-4.0" in kept.read_text()):
            page.wait_for_timeout(50)
        server.process.kill()
        expect(page.locator("#message")).to_contain_text("does not answer", timeout=PATIENCE_MS)
        server.process.wait()
        # What the hand does in the meantime is told when somebody listens again.
        page.get_by_role("slider", name="Fader Bass").press("ArrowUp")
        expect(page.get_by_role("slider", name="Fader Bass")).to_have_attribute("aria-valuenow", "0.5")
    with web_server(tmp_path, [stems], server.port) as again:
        expect(page.locator("#message")).to_contain_text("is back", timeout=PATIENCE_MS)
        expect(page.locator(".strip").nth(2).locator(".value").first).to_have_text("-4.0 dB")
        page.get_by_role("button", name="Mute Kick").click()
        expect(page.get_by_role("button", name="Mute Kick")).to_have_attribute("aria-pressed", "true")
        kept = json.loads(again.ask("/api/state")[2])["preset"]["tracks"]
        assert kept[1]["mute"]
        assert kept[0]["strip"]["fader_db"] == 0.5


def test_names_are_shown_as_text_and_the_page_speaks_french(page: Page, server: WebServer, stems: Path) -> None:
    server.json("/api/do", {"what": "remember", "name": HOSTILE})
    opened(page, server)
    page.click("#open-more")
    expect(page.locator("#snapshot-list li")).to_contain_text(HOSTILE)
    assert page.title() == "mixbridge"
    page.select_option("#language", "fr")
    expect(page.locator("#undo")).to_have_text("Annuler")
    assert page.evaluate("document.documentElement.lang") == "fr"
    page.reload()
    expect(page.locator("#undo")).to_have_text("Annuler")


@pytest.mark.parametrize(("scheme", "language", "width"), [("light", "en", 1280), ("dark", "fr", 820)])
def test_axe_finds_no_fault_in_the_pages_states(
    browser: Browser, server: WebServer, scheme: Literal["light", "dark"], language: str, width: int
) -> None:
    """Contrast, labels, roles, names: the mixer with all boxes open, and the effects' strip."""
    server.json("/api/do", {"what": "remember", "name": "first"})
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = opened(context.new_page(), server)
    page.select_option("#language", language)
    page.wait_for_selector('#panel[data-shown="track/0"] .wave')
    page.click("#open-more")
    page.click("#open-push")
    if not page.locator("#lane circle").count():
        page.click("#lane-add")
    faults = Axe().run(page).response["violations"]
    page.locator(".strip .name").nth(3).click()
    faults += Axe().run(page, context="#panel").response["violations"]
    said = [(fault["id"], [node["html"][:200] for node in fault["nodes"]]) for fault in faults]
    assert said == []
    context.close()


def test_axe_finds_no_fault_where_nothing_is_open(browser: Browser, tmp_path: Path) -> None:
    with web_server(tmp_path) as server:
        page = browser.new_page()
        page.goto(server.url)
        expect(page.locator("#empty")).to_be_visible()
        assert [fault["id"] for fault in Axe().run(page).response["violations"]] == []
        page.close()
