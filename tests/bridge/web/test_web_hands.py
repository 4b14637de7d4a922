"""The page in Chromium: numbers as people type them, wheels and double clicks, drops, the whole song, French."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path

import pytest
import soundfile as sf
from mixbridge.presets import files
from mixbridge.presets.console import Strip
from mixbridge.presets.preset import Preset, Track
from playwright.sync_api import Page, Route, expect
from web_hands import PATIENCE_MS, opened, saved, slider
from web_page import CHROMIUM, WebServer, web_server

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")


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
        preset = Preset(tracks=(Track(name="Bass", strip=Strip(pan=0.5)),))
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


def test_references_and_snapshots_are_undone_by_hand_and_each_reference_is_heard(
    page: Page, server: WebServer, stems: Path, tmp_path: Path
) -> None:
    audio, rate_hz = sf.read(stems / "Bass.wav", stop=2 * 44100)
    for name, sound in (("Soft", 0.1 * audio), ("Loud", 0.9 * audio[::-1])):
        sf.write(tmp_path / f"{name}.wav", sound, rate_hz)
    opened(page, server)
    page.set_input_files("#reference-file", tmp_path / "Soft.wav")
    expect(page.locator("#undo")).to_have_attribute("title", "reference added: \u2068Soft\u2069 (Ctrl+Z)")
    assert page.locator("[data-version='reference 2']").is_hidden()
    page.set_input_files("#reference-file", tmp_path / "Loud.wav")
    second = page.locator("[data-version='reference 2']")
    expect(second).to_have_text("Reference 2")
    expect(second).to_have_attribute("title", "\u2068Loud\u2069")
    asked = "**/api/sound/reference?reference="
    with page.expect_response("**/api/strip/track/0?reference=1"), page.expect_response(f"{asked}1") as loud:
        second.click()
    with page.expect_response(f"{asked}0") as soft:
        page.keyboard.press("4")
    for number, answer in ((1, loud.value), (0, soft.value)):
        assert answer.body() == server.ask(f"/api/sound/reference?reference={number}")[2]
    gains = [float(answer.headers["x-mixbridge-gain-db"]) for answer in (loud.value, soft.value)]
    assert gains[1] - gains[0] == pytest.approx(19.08, abs=0.3)
    refusal = {"error": "'render' is still at work: wait until it is done."}
    page.route("**/api/do", lambda route: route.fulfill(status=400, json=refusal), times=1)
    share = page.locator("#reference-share")
    share.focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#message")).to_contain_text("still at work")
    expect(share).to_have_value("50")
    page.keyboard.press("5")
    page.click("#undo")
    expect(page.locator("#message")).to_contain_text("Undone: reference added: \u2068Loud")
    expect(second).to_be_hidden()
    expect(page.locator("[data-version=reference]")).to_have_attribute("aria-checked", "true")
    page.click("#redo")
    expect(second).to_be_visible()

    page.click("#open-more")
    page.fill("#snapshot-name", "First")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Rename First").click()
    page.get_by_role("textbox", name="New name of First").fill("Begin")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Rename Begin")).to_be_focused()
    page.get_by_role("button", name="Remove Begin").click()
    expect(page.locator("#snapshot-list li")).to_have_count(0)
    shown = page.locator("#snapshot-list bdi")
    for name in ("Begin", "First"):
        page.click("#undo")
        expect(shown).to_have_text(name)
    page.click("#undo")
    expect(shown).to_have_count(0)
    page.click("#redo")
    page.click("#redo")
    expect(shown).to_have_text("Begin")
    page.get_by_role("button", name="Remove Begin").click()
    for name in ("Soft", "Loud"):
        page.get_by_role("button", name=f"Remove {name}").click()
    expect(page.locator("#reference-list li")).to_have_count(0)


def test_a_folder_with_a_damaged_file_opens_and_long_names_are_told_apart(
    page: Page, stems: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "stems"
    folder.mkdir()
    for name in ("Bass", "Kick"):
        audio, rate_hz = sf.read(stems / f"{name}.wav", stop=44100)
        sf.write(folder / f"Session 2024-03 {name} – close mic, bounced dry.wav", audio, rate_hz)
    (folder / "Snare <b>.wav").write_bytes(b"RIFF and nothing else")
    with web_server(tmp_path, [folder]) as server:
        page.add_init_script("localStorage.setItem('mixbridge-language', 'fr')")
        opened(page, server)
        expect(page.locator("#left-out")).to_have_text(
            "Laissés de côté : Snare <b>.wav : pas d'audio lisible, ou fichier abîmé"
        )
        page.select_option("#language", "en")
        expect(page.locator("#left-out")).to_have_text(
            "Left out: Snare <b>.wav: not audio that can be read, or damaged"
        )
        assert page.locator(".strip.track .name").all_text_contents() == ["Bass", "Kick"]
        whole = "Session 2024-03 Kick – close mic, bounced dry"
        page.get_by_role("button", name=whole, exact=True).click()
        expect(page.locator("#panel-title")).to_have_text(whole)
        # The loop as it is: its loudness is the file's.
        expect(page.locator(".strip.master .role")).to_have_text(re.compile(r"^-\d+\.\d LUFS$"))
        shown = page.evaluate(
            "import('/strip/mixer.js').then(({ shortNames }) => [['בס', 'Kick'], ['one two three four five', 'five'],"
            " ['the very long name of a Kick', 'the very long name of a Snare - 2']].map(shortNames))"
        )
        assert shown == [["בס", "Kick"], ["one two three four", "five"], ["Kick", "Snare 2"]]


def test_a_group_is_muted_and_soloed_with_its_tracks(page: Page, server: WebServer) -> None:
    before = server.json("/api/state")["preset"]
    tracks = [
        track | {"bus": "Low" if track["name"] != "Lead Vocal" else None, "mute": False} for track in before["tracks"]
    ]
    grouped = before | {"tracks": tracks, "buses": [{"name": "Low"}]}
    assert server.ask("/api/preset", json.dumps(grouped).encode(), "PUT")[0] == 200
    opened(page, server)
    page.get_by_role("button", name="Mute Low").click()
    expect(page.get_by_role("button", name="Mute Low")).to_have_attribute("aria-pressed", "true")
    assert saved(page).buses[0].mute
    page.click("#undo")
    expect(page.get_by_role("button", name="Mute Low")).to_have_attribute("aria-pressed", "false")
    assert not saved(page).buses[0].mute
    with page.expect_request("**/api/sound/mix?solo=Bass&solo=Kick"):
        page.get_by_role("button", name="Solo Low").click()
    for name in ("Low", "Bass", "Kick"):
        expect(page.get_by_role("button", name=f"Solo {name}")).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="Solo Kick").click()
    expect(page.get_by_role("button", name="Solo Low")).to_have_attribute("aria-pressed", "false")
    page.route(re.compile(r"/api/state\?after=$"), followed, times=1)
    page.reload()
    expect(page.get_by_role("button", name="Mute Kick")).to_be_visible()
    expect(page.get_by_role("button", name="Mute Low", include_hidden=True)).to_be_hidden()
    expect(page.locator("#predict")).to_be_disabled()
    page.route(re.compile(r"/api/state\?after=$"), styled, times=1)
    page.reload()
    expect(page.locator("#predict")).to_be_enabled()
    expect(page.locator("#next-step")).to_be_hidden()
    page.reload()
    page.click("#undo")  # the group
    expect(page.get_by_role("button", name="Mute Low")).to_have_count(0)


def followed(route: Route) -> None:
    """The state as if a live engine was followed, which takes no mutes of groups."""
    answer = route.fetch()
    route.fulfill(response=answer, json=answer.json() | {"engine": {"where": "127.0.0.1:9500", "is_there": True}})


def styled(route: Route) -> None:
    """The state as if the model needed no reference."""
    answer = route.fetch()
    route.fulfill(response=answer, json=answer.json() | {"needs_reference": False})


def test_a_message_is_closed(page: Page, server: WebServer) -> None:
    opened(page, server)
    page.click("#open-push")
    page.fill("#desk", "nowhere")
    page.click("#make-plan")
    expect(page.locator("#message")).to_contain_text("nowhere")
    page.get_by_role("button", name="Close this message").click()
    expect(page.locator("#message")).to_be_hidden()
    expect(page.locator("#close-message")).to_be_hidden()


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
    with page.expect_download() as mix:
        page.locator("#song-files a").first.click()
    assert mix.value.path().read_bytes() == server.ask("/api/mix/mix.wav")[2]
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
