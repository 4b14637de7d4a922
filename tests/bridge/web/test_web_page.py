"""The page in Chromium: from dropped stems to a pushed and undone preset, by hand and by keyboard."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
import soundfile as sf
from axe_playwright_python.sync_playwright import Axe
from desk_simulator import X32Simulator
from mixbridge.presets import files
from mixbridge.presets.preset import Preset
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright
from web_page import CHROMIUM, EXAMPLE, WebServer, web_server

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")

PATIENCE_MS = 120_000
NAMES = ("Bass", "Kick", "Lead Vocal")
# What a page would run, and a terminal would obey.
HOSTILE = "<img src=x onerror=document.title='run'>"


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


def opened(page: Page, server: WebServer) -> Page:
    page.goto(server.url)
    page.wait_for_selector(".strip")
    return page


def saved(page: Page) -> Preset:
    """The preset that the page's button saves."""
    with page.expect_download() as download:
        page.click("#save")
    return files.load(download.value.path())


def slider(page: Page, path: str):
    return page.locator(f'#controls input[data-path="{path}"]')


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
        expect(page.locator("#message")).to_contain_text("done: predict", timeout=PATIENCE_MS)
        expect(page.locator("[data-version=predicted]")).to_be_enabled()
        assert saved(page).track("Lead Vocal").role == "lead vocal"

        page.click("#open-push")
        page.fill("#desk", f"x32://127.0.0.1:{desk.port}")
        page.check("#push-faders")
        page.click("#make-plan")
        expect(page.locator("#plan")).to_contain_text("Lead Vocal", timeout=PATIENCE_MS)
        assert desk.values == before
        page.click("#do-push")
        expect(page.locator("#message")).to_contain_text("done: push", timeout=PATIENCE_MS)
        expect(page.locator("#plan table")).to_contain_text("confirmed")
        expect(page.locator("#plan table")).to_contain_text("Lead Vocal")
        changed = {address for address in before if desk.values[address] != before[address]}
        assert any(address.startswith("/ch/03/eq") for address in changed)
        assert "/ch/03/mix/fader" in changed
        page.click("#undo-push")
        expect(page.locator("#message")).to_contain_text("done: undo push", timeout=PATIENCE_MS)
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


def test_numbers_are_typed_as_people_write_them(page: Page, server: WebServer) -> None:
    opened(page, server)
    page.get_by_role("button", name="Kick", exact=True).click()
    frequency = page.get_by_role("spinbutton", name="Equalizer Bell 2 frequency")
    for typed, value in (("3,2 kHz", 3200), ("2k5", 2500), ("12,000", 12000), ("440.5", 440.5), ("-1", 20)):
        frequency.fill(typed)
        frequency.press("Enter")
        expect(frequency).to_have_attribute("aria-valuenow", f"{value:g}")
    gain = page.get_by_role("spinbutton", name="Equalizer Bell 2 gain")
    gain.fill("−6,5 dB")
    gain.press("Tab")
    expect(slider(page, "eq.band1.gain_db")).to_have_attribute("aria-valuetext", "-6.5 dB")
    assert saved(page).tracks[1].strip.eq.band1.gain_db == -6.5
    gain.fill("loud")
    gain.press("Enter")
    expect(page.locator("#message")).to_contain_text("loud")
    expect(gain).to_have_attribute("aria-invalid", "true")
    gain.press("Escape")
    expect(gain).to_have_value("-6.5")
    gain.press("ArrowUp")
    expect(gain).to_have_attribute("aria-valuenow", "-6")
    for typed, value, shown in (("1,5 s", 1500, "1500"), ("0.25 s", 250, "250")):
        release = page.get_by_role("spinbutton", name="Compressor release")
        release.fill(typed)
        release.press("Enter")
        expect(release).to_have_attribute("aria-valuenow", str(value))
        expect(release).to_have_value(shown)
    pan = page.get_by_role("spinbutton", name="Pan")
    pan.fill("L 30")
    pan.press("Enter")
    expect(page.get_by_role("slider", name="Pan Kick")).to_have_attribute("aria-valuenow", "-0.3")


def test_wheel_and_double_click_move_and_reset_controls_and_nodes(page: Page, server: WebServer) -> None:
    server.json("/api/edit", {"edits": [{"part": "track", "index": 2, "path": "fader_db", "value": -9.0}]})
    opened(page, server)
    fader = page.get_by_role("slider", name="Fader Lead Vocal")
    expect(fader).to_have_attribute("aria-valuenow", "-9")
    fader.hover()
    page.mouse.wheel(0, -100)
    expect(fader).to_have_attribute("aria-valuenow", "-8.5")
    page.keyboard.down("Shift")
    fader.dblclick()
    page.keyboard.up("Shift")
    expect(fader).to_have_attribute("aria-valuenow", "0")
    page.get_by_role("button", name="Lead Vocal", exact=True).click()
    node = page.locator('#eq circle[data-band="band2"]')
    node.focus()
    for _ in range(6):
        page.keyboard.press("ArrowUp")
    expect(node).to_have_attribute("aria-valuenow", "3.0")
    node.hover()
    page.mouse.wheel(0, -100)
    expect(page.get_by_role("spinbutton", name="Equalizer Bell 3 Q")).not_to_have_value("0.71")
    page.keyboard.down("Shift")
    node.dblclick()
    page.keyboard.up("Shift")
    expect(node).to_have_attribute("aria-valuenow", "0.0")
    assert saved(page).tracks[2].strip.eq.band2.gain_db == 0


def test_boxes_close_by_escape_and_the_focus_returns(page: Page, server: WebServer) -> None:
    opened(page, server)
    for opener, box in (("#open-more", "#more"), ("#open-push", "#push")):
        page.locator(opener).focus()
        page.keyboard.press("Enter")
        expect(page.locator(box)).to_be_visible()
        expect(page.locator(opener)).to_have_attribute("aria-expanded", "true")
        expect(page.locator(f"{box} :focus")).to_have_count(1)
        page.keyboard.press("Escape")
        expect(page.locator(box)).to_be_hidden()
        expect(page.locator(opener)).to_be_focused()


def test_a_reload_in_the_middle_of_an_edit_loses_nothing(page: Page, server: WebServer) -> None:
    opened(page, server)
    page.get_by_role("button", name="Kick", exact=True).click()
    page.click("[data-version=raw]")
    page.get_by_role("button", name="Solo Bass").click()
    page.get_by_role("spinbutton", name="Trim").fill("-2,5")
    page.reload()
    trim = page.get_by_role("spinbutton", name="Trim")
    expect(trim).to_have_attribute("aria-valuenow", "-2.5", timeout=PATIENCE_MS)
    expect(page.locator("#panel-title")).to_contain_text("Kick")
    expect(page.locator("[data-version=raw]")).to_have_attribute("aria-checked", "true")
    expect(page.get_by_role("button", name="Solo Bass")).to_have_attribute("aria-pressed", "true")


def test_what_is_dropped_goes_where_it_belongs(page: Page, stems: Path, tmp_path: Path) -> None:
    audio, rate_hz = sf.read(stems / "Bass.wav", stop=44100)
    sf.write(tmp_path / "short.wav", audio, rate_hz, subtype="PCM_16")
    short = (tmp_path / "short.wav").read_bytes()
    with web_server(tmp_path) as server:
        page.goto(server.url)
        expect(page.locator("#empty")).to_be_visible()
        drop(page, "[data-drop=stems]", {"Bass.wav": short, "notes.txt": b"no audio"})
        expect(page.locator(".strip .name", has_text="Bass")).to_be_visible()
        expect(page.locator("#message")).to_contain_text("notes")
        drop(page, "[data-drop=reference]", {"Song.wav": short})
        expect(page.locator("#reference-list")).to_contain_text("Song")
        expect(page.locator("#predict")).to_be_enabled()
        preset = Preset(tracks=({"name": "Bass", "strip": {"pan": 0.5}},))
        drop(page, "body", {"mine.json": files.dumps(preset).encode()})
        expect(page.get_by_role("slider", name="Pan Bass")).to_have_attribute("aria-valuenow", "0.5")
        drop(page, "[data-drop=reference]", {"Other.wav": short})
        expect(page.locator("#reference-share")).to_be_visible()
        assert [song["share"] for song in server.json("/api/state")["material"]["references"]] == [0.5, 0.5]
        page.get_by_role("button", name="Remove Song").click()
        expect(page.locator("#reference-list")).not_to_contain_text("Song")
        page.click("#remove-track")
        expect(page.locator("#empty")).to_be_visible()
        page.click("#undo")
        expect(page.get_by_role("slider", name="Pan Bass")).to_have_attribute("aria-valuenow", "0.5")


def drop(page: Page, place: str, dropped: dict[str, bytes]) -> None:
    """Let go of files over a place, as a hand does."""
    data = page.evaluate_handle(
        """files => { const data = new DataTransfer();
        for (const [name, bytes] of files)
            data.items.add(new File([Uint8Array.from(atob(bytes), letter => letter.charCodeAt())], name));
        return data; }""",
        [[name, base64.b64encode(content).decode()] for name, content in dropped.items()],
    )
    for event in ("dragover", "drop"):
        page.locator(place).first.dispatch_event(event, {"dataTransfer": data})


def test_the_song_plays_from_its_last_render_and_says_when_it_is_old(page: Page, server: WebServer) -> None:
    opened(page, server)
    page.click("#render")
    expect(page.locator("#message")).to_contain_text("The song is rendered", timeout=PATIENCE_MS)
    expect(page.locator("#song-state")).to_have_text("As it stands now.")
    page.get_by_role("button", name="Hear the whole song").click()
    expect(page.locator("#song-place")).not_to_have_value("0")
    expect(page.locator("#song-wave .playhead")).not_to_have_attribute("x1", "-9")
    # At the level of the loop: the mix of -14 LUFS is turned down to -20.
    loudness = server.json("/api/state")["song"]["loudness_lufs"]
    volume = page.evaluate("document.querySelector('#song-audio').volume")
    assert volume == pytest.approx(10 ** ((-20 - loudness) / 20), rel=1e-3)
    page.get_by_role("button", name="Stop the song").click()
    page.get_by_role("button", name="Mute Bass").click()
    expect(page.locator("#song-state")).to_contain_text("before the last changes")
    page.click("#undo")
    expect(page.locator("#song-state")).to_have_text("As it stands now.")


def test_the_server_speaks_french_with_a_french_page(page: Page, server: WebServer) -> None:
    server.json("/api/edit", {"edits": [{"part": "track", "index": 0, "path": "eq.band0.gain_db", "value": -4.0}]})
    page.add_init_script("localStorage.setItem('mixbridge-language', 'fr')")
    opened(page, server)
    page.get_by_role("button", name="Bass", exact=True).click()
    expect(page.locator("#words")).to_contain_text("retire 4 dB vers 250 Hz")
    expect(page.get_by_role("spinbutton", name="Compresseur seuil")).to_be_visible()
    expect(page.get_by_role("spinbutton", name="Égaliseur Cloche 1 gain")).to_have_value("-4,0")
    page.click("#open-push")
    page.fill("#desk", "nowhere")
    page.click("#make-plan")
    expect(page.locator("#message")).to_contain_text("n'est pas une adresse")
