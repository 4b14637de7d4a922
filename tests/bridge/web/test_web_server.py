"""The server of the page: what it answers to programs, and what it refuses."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from mixbridge.bridge.cli.main import main
from mixbridge.bridge.sessions.preset_of import preset_of
from mixbridge.bridge.sessions.reading import read_session
from mixbridge.bridge.web.material import PageMaterial
from mixbridge.presets import files
from mixbridge.presets.console import replace
from mixbridge.presets.editing.passages import beginning_at
from mixbridge.presets.inserts.insert import Insert
from mixbridge.presets.preset import Preset, Track
from mixbridge.runtime.rendering.in_memory import render_arrays
from web_page import WebServer, web_server

RATE_HZ = 44100
LENGTH_S = 3.0
# A name that a page would run, and a terminal would obey.
HOSTILE = "<img src=x onerror=alert(1)>\x1b[31m"


def tone(freq_hz: float, level: float, seed: int) -> np.ndarray:
    time_s = np.arange(round(LENGTH_S * RATE_HZ)) / RATE_HZ
    noise = np.random.default_rng(seed).standard_normal(len(time_s))
    return (level * (np.sin(2 * np.pi * freq_hz * time_s) + 0.05 * noise) * (time_s % 0.5 < 0.3)).astype(np.float32)


@pytest.fixture(scope="module")
def stems(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("stems")
    made = {"Bass": tone(80, 0.3, 1), "Keys": tone(440, 0.2, 2)}
    for name, audio in made.items():
        sf.write(folder / f"{name}.wav", audio, RATE_HZ)
    return {name: folder / f"{name}.wav" for name in made}


@pytest.fixture(scope="module")
def server(stems: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebServer]:
    with web_server(tmp_path_factory.mktemp("state"), [next(iter(stems.values())).parent]) as running:
        yield running


def edit(part: str, index: int, path: str, value: float) -> dict[str, object]:
    return {"edits": [{"part": part, "index": index, "path": path, "value": value}]}


def test_a_loop_that_is_heard_is_the_runtimes_render(server: WebServer, stems: dict[str, Path]) -> None:
    server.json("/api/edit", edit("track", 0, "compressor.ratio", 4.0))
    server.json("/api/edit", edit("track", 0, "compressor.threshold_db", -30.0))
    server.json("/api/edit", edit("master", 0, "eq.band0.gain_db", -4.0))
    status, headers, wav = server.ask("/api/sound/mix")
    assert (status, headers["content-type"]) == (200, "audio/wav")
    heard, rate_hz = sf.read(io.BytesIO(wav), dtype="float32", always_2d=True)

    state = server.json("/api/state")
    preset = files.loads(json.dumps(state["preset"]))
    loop = PageMaterial(stems).read(PageMaterial(stems).loop)
    wanted = render_arrays(loop.stems, RATE_HZ, preset).mix[:, : len(heard)]
    assert rate_hz == RATE_HZ
    assert len(heard) == round(LENGTH_S * RATE_HZ)
    assert np.array_equal(heard.T, wanted)
    assert np.abs(heard).max() > 0.01

    _, _, raw = server.ask("/api/sound/raw")
    plain, _ = sf.read(io.BytesIO(raw), dtype="float32", always_2d=True)
    assert pytest.approx(np.broadcast_to(sum(loop.stems.values()), plain.T.shape), abs=1e-6) == plain.T


def test_a_soloed_track_is_heard_alone_at_its_level_in_the_mix(server: WebServer) -> None:
    _, whole, _ = server.ask("/api/sound/mix")
    _, alone, wav = server.ask("/api/sound/mix?solo=Keys")
    assert alone["x-mixbridge-gain-db"] == whole["x-mixbridge-gain-db"]
    heard, _ = sf.read(io.BytesIO(wav), dtype="float32", always_2d=True)
    spectrum = np.abs(np.fft.rfft(heard[:, 0]))
    hz = np.fft.rfftfreq(len(heard), 1 / RATE_HZ)
    assert spectrum[np.abs(hz - 440) < 3].max() > 30 * spectrum[np.abs(hz - 80) < 3].max()


def test_a_bypassed_section_is_as_if_it_were_neutral(server: WebServer) -> None:
    server.json("/api/edit", edit("track", 1, "eq.band1.gain_db", 12.0))
    _, _, without = server.ask("/api/sound/mix?bypass=track:1:eq")
    _, _, boosted = server.ask("/api/sound/mix")
    server.json("/api/edit", edit("track", 1, "eq.band1.gain_db", 0.0))
    _, _, flat = server.ask("/api/sound/mix")
    assert without == flat != boosted
    for wrong in ("track:9:eq", "track:x:eq", "bus:0:eq", "track:0:fader", "nothing"):
        assert server.ask(f"/api/sound/mix?bypass={wrong}")[0] == 400


def test_meters_tell_levels_and_what_the_compressor_takes(server: WebServer) -> None:
    server.json("/api/edit", edit("track", 0, "compressor.ratio", 4.0))
    server.json("/api/edit", edit("track", 0, "compressor.threshold_db", -30.0))
    meters = server.json("/api/meters")
    steps = round(LENGTH_S / meters["step_s"])
    assert {len(values) for values in meters["peaks_db"].values()} == {steps}
    assert set(meters["peaks_db"]) == {"Bass", "Keys", ""}
    # 0.3 is -10.5 dB, 19.5 dB above the threshold: 3/4 of that is taken.
    assert max(meters["reduced_db"]["Bass"]) == pytest.approx(14.6, abs=1.5)
    assert "Keys" not in meters["reduced_db"]


def test_meters_are_soloed_and_bypassed_as_what_is_heard(server: WebServer) -> None:
    whole = server.json("/api/meters")
    alone = server.json("/api/meters?solo=Keys&bypass=track:0:compressor&bypass=master:0:eq")
    assert set(alone["peaks_db"]) == {"Keys", ""}
    assert alone["peaks_db"]["Keys"] == pytest.approx(alone["peaks_db"][""], abs=0.1)
    assert alone["reduced_db"] == {}
    assert "Bass" in whole["reduced_db"]
    silent = server.json("/api/meters?solo=Nobody")
    assert max(silent["peaks_db"][""]) == -90


def test_a_lane_is_heard_where_the_loop_plays(server: WebServer, stems: dict[str, Path]) -> None:
    server.json("/api/do", {"what": "loop", "value": 1.0, "length_s": 2.0})
    points = [[0.0, 0.0], [1.0, -20.0], [2.5, 0.0]]
    asked = {"edits": [{"part": "track", "index": 1, "path": "fader_db", "points": points}]}
    server.json("/api/edit", asked)
    preset = files.loads(json.dumps(server.json("/api/state")["preset"]))
    heard, _ = sf.read(io.BytesIO(server.ask("/api/sound/mix")[2]), dtype="float32", always_2d=True)
    arrays = {name: sf.read(path, dtype="float32")[0][None] for name, path in stems.items()}
    later = {name: audio[:, RATE_HZ:] for name, audio in arrays.items()}
    wanted = render_arrays(later, RATE_HZ, beginning_at(preset, 1.0))
    assert np.array_equal(heard.T, wanted.mix[:, : len(heard)])
    still = render_arrays(later, RATE_HZ, preset)
    assert np.abs(heard.T - still.mix[:, : len(heard)]).max() > 0.01
    wave = server.json("/api/wave/track/1")
    assert wave["length_s"] == pytest.approx(LENGTH_S)
    # The tone sounds 0.3 s of each 0.5 s.
    loud = np.array(wave["peaks"]) > 0.5
    assert loud.mean() == pytest.approx(0.6, abs=0.03)
    assert max(server.json("/api/wave/master/0")["peaks"]) == 1
    server.json("/api/edit", {"edits": [{**asked["edits"][0], "points": []}]})
    server.json("/api/do", {"what": "loop", "value": 0.0, "length_s": LENGTH_S})


def test_pictures_show_the_curve_and_both_spectra(server: WebServer) -> None:
    server.json("/api/edit", edit("track", 1, "eq.band1.gain_db", 6.0))
    pictures = server.json("/api/strip/track/1")
    freqs_hz, gains_db = np.array(pictures["eq"]["freqs_hz"]), np.array(pictures["eq"]["gains_db"])
    assert gains_db.max() == pytest.approx(6, abs=0.05)
    assert freqs_hz[gains_db.argmax()] == pytest.approx(3000, rel=0.05)
    thirds_hz, raw = np.array(pictures["thirds_hz"]), pictures["spectra_db"]["raw"]
    assert thirds_hz[int(np.argmax(raw))] == pytest.approx(440, rel=0.15)
    assert pictures["spectra_db"]["reference"] is None
    assert any("3" in words for words in pictures["words"])
    assert "eq" in server.json("/api/strip/master/0")
    assert server.json("/api/strip/reverb/0")["words"] == []
    assert server.ask("/api/strip/track/7")[0] == 400
    assert server.ask("/api/strip/oven/0")[0] == 400
    server.json("/api/edit", edit("track", 1, "eq.band1.gain_db", 0.0))


def test_edits_are_undone_and_redone_and_amounts_are_of_the_whole(server: WebServer) -> None:
    server.json("/api/edit", edit("track", 0, "fader_db", -6.0))
    assert server.json("/api/do", {"what": "undo"})["preset"]["tracks"][0]["strip"]["fader_db"] != -6.0
    state = server.json("/api/do", {"what": "redo"})
    assert state["preset"]["tracks"][0]["strip"]["fader_db"] == -6.0
    assert not state["can_redo"]
    half = server.json("/api/do", {"what": "amount", "value": 0.5})
    assert half["preset"]["tracks"][0]["strip"]["fader_db"] == pytest.approx(-3)
    assert server.json("/api/do", {"what": "amount", "value": 1})["preset"]["tracks"][0]["strip"]["fader_db"] == -6.0


def test_snapshots_are_recalled_by_name(server: WebServer) -> None:
    server.json("/api/edit", edit("track", 1, "pan", 0.5))
    assert server.json("/api/do", {"what": "remember", "name": "wide"})["snapshots"] == ["wide"]
    server.json("/api/edit", edit("track", 1, "pan", 0.0))
    assert server.json("/api/do", {"what": "recall", "name": "wide"})["preset"]["tracks"][1]["strip"]["pan"] == 0.5
    assert server.json("/api/do", {"what": "forget", "name": "wide"})["snapshots"] == []
    assert server.ask("/api/do", b'{"what": "recall", "name": "wide"}')[0] == 400


def test_a_move_meets_the_track_that_was_meant_though_others_are_gone(server: WebServer) -> None:
    """Another page has removed the first track before the hand on the second is told."""
    server.json("/api/do", {"what": "remove track", "name": "Bass"})
    asked = edit("track", 1, "pan", 0.25)
    asked["edits"][0]["name"] = "Keys"  # type: ignore[index]
    moved = server.json("/api/edit", asked)["edits"]
    assert [(item["index"], item["value"]) for item in moved] == [(0, 0.25)]
    asked["edits"][0] |= {"index": 0, "name": "Bass"}  # type: ignore[index]
    status, _, said = server.ask("/api/edit", json.dumps(asked).encode())
    assert (status, "Bass" in said.decode()) == (400, True)
    assert [track["strip"]["pan"] for track in server.json("/api/state")["preset"]["tracks"]] == [0.25]
    for _ in range(2):
        state = server.json("/api/do", {"what": "undo"})
    assert [track["name"] for track in state["preset"]["tracks"]] == ["Bass", "Keys"]


def test_a_preset_is_given_and_taken(server: WebServer) -> None:
    mine = Preset(tracks=(Track(name="Bass"), Track(name="Keys")), name="mine")
    changed = mine.tracks[0].model_copy(update={"strip": replace(mine.tracks[0].strip, {"fader_db": -9.0})})
    mine = mine.model_copy(update={"tracks": (changed, mine.tracks[1])})
    assert server.ask("/api/preset", files.dumps(mine).encode(), "PUT")[0] == 200
    assert files.loads(server.ask("/api/preset")[2].decode()) == mine
    other = Preset(tracks=(Track(name="Oboe"),))
    status, _, said = server.ask("/api/preset", files.dumps(other).encode(), "PUT")
    assert status == 400
    assert "Oboe" in said.decode()
    for broken in (b"{}", b"\xff\xfe", b"[" * 100000, b'{"format": "mixbridge-preset", "version": 99}'):
        assert server.ask("/api/preset", broken, "PUT")[0] == 400


def test_a_new_session_file_holds_the_mix_and_the_audio(server: WebServer, tmp_path: Path) -> None:
    server.json("/api/edit", edit("track", 0, "fader_db", -7.0))
    assert list(server.json("/api/state")["session_formats"]) == ["dawproject"]
    server.json("/api/do", {"what": "session", "name": "dawproject"})
    while (state := server.json("/api/state"))["job"]["state"] == "busy":
        time.sleep(0.05)
    assert state["job"]["state"] == "done", state["job"]
    name = state["job"]["result"]["file"]
    written = tmp_path / name
    written.write_bytes(server.ask(f"/api/session/{name}")[2])
    session = read_session(written)
    assert [track.name for track in session.tracks] == ["Bass", "Keys"]
    assert preset_of(session).preset.tracks[0].strip.fader_db == pytest.approx(-7.0, abs=0.01)
    for wrong in ("token", "..%2ftoken", "..%2fstudio.json", "other.dawproject"):
        assert server.ask(f"/api/session/{wrong}")[0] in {400, 404}
    assert server.ask("/api/do", b'{"what": "session", "name": "reaper"}')[0] == 400


def test_between_two_snapshots(server: WebServer) -> None:
    for name, level in (("low", -20.0), ("high", 0.0)):
        server.json("/api/edit", edit("track", 0, "fader_db", level))
        server.json("/api/do", {"what": "remember", "name": name})
    for position in (0.5, 0.25):
        state = server.json("/api/do", {"what": "blend", "name": "low", "other": "high", "value": position})
        assert state["preset"]["tracks"][0]["strip"]["fader_db"] == pytest.approx(-20 + 20 * position)
    # One ride is one step.
    undone = server.json("/api/do", {"what": "undo"})
    assert undone["preset"]["tracks"][0]["strip"]["fader_db"] == 0
    for name in ("low", "high"):
        server.json("/api/do", {"what": "forget", "name": name})
    assert server.ask("/api/do", b'{"what": "blend", "name": "low", "other": "high"}')[0] == 400


def test_no_preset_from_the_page_names_files_of_the_machine(server: WebServer, tmp_path: Path) -> None:
    insert = Insert(kind="command", command=("touch", str(tmp_path / "run"), "{in}", "{out}"))
    preset = Preset(tracks=(Track(name="Bass", inserts=(insert,)), Track(name="Keys")))
    status, _, said = server.ask("/api/preset", files.dumps(preset).encode(), "PUT")
    assert status == 400
    assert "inserts" in said.decode()
    denoising = Insert(kind="denoise", sha256="0" * 64)
    preset = Preset(tracks=(Track(name="Bass", inserts=(denoising,)), Track(name="Keys")), master_inserts=(denoising,))
    assert server.ask("/api/preset", files.dumps(preset).encode(), "PUT")[0] == 200
    assert server.ask("/api/sound/mix")[0] == 200
    for strip in ("track", "master"):
        (first, *_) = server.json(f"/api/strip/{strip}/0")["words"]
        assert first == "goes through denoise (noise removed) first: in what is rendered, not in the loop here"
    server.json("/api/do", {"what": "undo"})


@pytest.mark.parametrize(
    "asked",
    [
        b"",
        b"null",
        b'{"edits": []}',
        b'{"edits": [{"part": "track", "index": 9, "path": "fader_db", "value": 0}]}',
        b'{"edits": [{"part": "track", "index": 0, "path": "fader", "value": 0}]}',
        b'{"edits": [{"part": "track", "index": 0, "path": "fader_db", "value": 1e9}]}',
        b'{"edits": [{"part": "track", "index": 0, "path": "fader_db", "value": NaN}]}',
        b'{"edits": [{"part": "fx_band", "index": 0, "path": "gain_db", "value": 0}]}',
        b'{"edits": [{"part": "track", "index": 0, "path": "mute", "value": 0.5}]}',
    ],
)
def test_an_edit_that_cannot_be_is_refused_whole(server: WebServer, asked: bytes) -> None:
    before = server.json("/api/state")["preset"]
    status, _, said = server.ask("/api/edit", asked)
    assert status == 400
    assert json.loads(said)["error"]
    assert server.json("/api/state")["preset"] == before


def test_who_does_not_know_the_token_gets_nothing(server: WebServer) -> None:
    for path in ("/", "/app.js", "/api/state", "/api/sound/mix", "/?token=wrong"):
        assert server.ask(path, authorization="")[0] == 403
    assert server.ask("/api/state", authorization="Bearer wrong")[0] == 403
    assert server.ask("/api/state", authorization="", cookie=f"mixbridge-{server.port}={'0' * 48}")[0] == 403
    status, headers, _ = server.ask(f"/?token={server.token}", authorization="")
    assert (status, headers["location"]) == (303, "/")
    assert "HttpOnly" in headers["set-cookie"]
    assert "samesite=strict" in headers["set-cookie"].lower()
    cookie = headers["set-cookie"].partition(";")[0]
    assert server.ask("/api/state", authorization="", cookie=cookie)[0] == 200


def test_another_page_or_a_rebound_name_gets_nothing(server: WebServer) -> None:
    assert server.ask("/api/state", host=f"evil.example:{server.port}")[0] == 421
    assert server.ask("/api/state", host="127.0.0.1:1")[0] == 421
    for origin in ("http://evil.example", "null", f"http://127.0.0.1:{server.port + 1}"):
        assert server.ask("/api/do", b'{"what": "undo"}', origin=origin)[0] == 403
    cookie = f"mixbridge-{server.port}={server.token}"
    # Without an origin no browser sends this; with the page's own it is let through.
    assert server.ask("/api/do", b'{"what": "amount", "value": 1}', authorization="", cookie=cookie)[0] == 403
    own = f"http://127.0.0.1:{server.port}"
    assert (
        server.ask("/api/do", b'{"what": "amount", "value": 1}', authorization="", cookie=cookie, origin=own)[0] == 200
    )


def test_every_answer_forbids_foreign_scripts_and_frames(server: WebServer) -> None:
    for path in ("/", "/app.js", "/api/state", "/nothing"):
        _, headers, _ = server.ask(path)
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"


def test_no_path_leads_out_of_the_page(server: WebServer) -> None:
    for path in (
        "/../api.py",
        "/%2e%2e/api.py",
        "/..%2fapi.py",
        "/api/mix/..%2ftoken",
        "/api/mix/token",
        "/page/../token",
    ):
        assert server.ask(path)[0] in {400, 404}


def test_uploads_are_bounded_and_taken_by_what_they_hold(server: WebServer) -> None:
    before = server.json("/api/state")["material"]["stems"]
    status, _, said = server.ask("/api/stems?name=big.wav", b"x", content_length=str(5 * 2**30))
    assert status == 400
    assert "1 GB" in said.decode()
    for name, content in (("page.wav", b"<html>"), ("bomb.flac", b"PK\x03\x04" + bytes(1000)), ("empty.wav", b"")):
        status, _, said = server.ask(f"/api/stems?name={name}", content)
        assert status == 400
        assert name.partition(".")[0] in said.decode()
        assert "/audio/" not in said.decode()
    assert server.json("/api/state")["material"]["stems"] == before


def test_who_opens_a_websocket_is_refused(server: WebServer) -> None:
    own = f"http://127.0.0.1:{server.port}"
    for origin in ("http://evil.example", "null", own):
        status, _, _ = server.ask(
            "/api/state",
            connection="Upgrade",
            upgrade="websocket",
            origin=origin,
            sec_websocket_version="13",
            sec_websocket_key="dGhlIHNhbXBsZSBub25jZQ==",
        )
        assert status == (200 if origin == own else 403)  # and never 101


def test_what_is_not_here_is_said_as_it_was_asked(server: WebServer) -> None:
    status, headers, said = server.ask("/api/nothing")
    assert (status, json.loads(said)) == (404, {"error": "there is nothing here."})
    assert json.loads(server.ask("/api/nothing", accept_language="fr-FR")[2]) == {"error": "il n'y a rien ici."}
    for path, token in (("/nothing", f"Bearer {server.token}"), ("/?token=wrong", "")):
        status, headers, said = server.ask(path, authorization=token, accept="text/html")
        assert status == (404 if token else 403)
        assert headers["content-type"].startswith("text/html")
        assert "<h1>mixbridge</h1>" in said.decode()
        assert server.ask(path, authorization=token)[1]["content-type"].startswith(("text/plain", "application/json"))


def test_a_page_is_answered_in_its_language(server: WebServer) -> None:
    asked = b'{"what": "recall", "name": "nothing"}'
    assert "there is no snapshot" in server.ask("/api/do", asked)[2].decode()
    french = json.loads(server.ask("/api/do", asked, accept_language="fr")[2])["error"]
    assert french == "il n'y a pas d'instantané 'nothing'."
    row = json.loads(server.ask("/api/table", accept_language="fr")[2])["parts"]["track"]["compressor.knee_db"]
    assert (row["label"], row["help"]) == ("coude", "largeur du coude")


def test_tracks_are_removed_and_told_what_they_are(server: WebServer) -> None:
    state = server.json("/api/do", {"what": "remove track", "name": "Keys"})
    assert state["material"]["stems"] == ["Bass"]
    _, _, alone = server.ask("/api/sound/raw")
    state = server.json("/api/do", {"what": "undo"})
    assert state["material"]["stems"] == ["Bass", "Keys"]
    assert server.ask("/api/sound/raw")[2] != alone
    state = server.json("/api/do", {"what": "role", "name": "Keys", "other": "pad"})
    assert state["preset"]["tracks"][1]["role"] == "pad"
    assert server.json("/api/do", {"what": "undo"})["preset"]["tracks"][1]["role"] is None
    for asked in ({"what": "remove track", "name": "Oboe"}, {"what": "role", "name": "Keys", "other": "oven"}):
        assert server.ask("/api/do", json.dumps(asked).encode())[0] == 400


def test_plugins_toml_of_a_page_names_no_files(server: WebServer, tmp_path: Path) -> None:
    assert server.ask("/api/do", b'{"what": "plugins"}')[0] == 400
    for text in (
        f'eq = "{tmp_path}/mine.toml"',
        'eq = "mine.toml"',
        'compressor = ["../ZamComp"]',
        'eq = "ZamEQ2"\n[paths]\nZamEQ2 = "/tmp/evil.vst3"',
        '[tracks.Bass]\neq = "x\\\\y"',
    ):
        status, _, said = server.ask("/api/plugins", text.encode(), "PUT")
        assert status == 400
        assert "names files" in json.loads(said)["error"]
    for wrong in (b"eq = ", b"\xff", b"x" * (2**18 + 1), b'eq = "NoSuchPlugin"'):
        status, _, said = server.ask("/api/plugins", wrong, "PUT")
        assert status in {400, 413}
        assert str(tmp_path) not in said.decode()
    assert server.json("/api/state")["plugins"] is None
    for name in ("vstpresets.zip", "token", "..%2ftoken"):
        assert server.ask(f"/api/vstpresets/{name}")[0] in {400, 404}


def test_the_state_is_told_as_soon_as_it_changes(server: WebServer) -> None:
    revision = server.json("/api/state")["revision"]
    server.json("/api/edit", edit("track", 0, "fader_db", -1.25))
    told = server.json(f"/api/state?after={revision}")
    assert told["revision"] > revision
    assert told["preset"]["tracks"][0]["strip"]["fader_db"] == -1.25


def test_a_second_server_of_the_same_sources_is_refused_and_forgets_nothing(
    stems: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sources = [next(iter(stems.values())).parent]
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    with web_server(tmp_path, sources) as first:
        first.json("/api/edit", edit("track", 1, "fader_db", -7.5))
        with pytest.raises(SystemExit) as stop:
            main(["web", *map(str, sources), "--fresh", "--port", "0", "--no-browser"])
        assert stop.value.code == 2
        assert "runs with these sources already. Use its page, or end it." in capsys.readouterr().err
        assert first.json("/api/state")["preset"]["tracks"][1]["strip"]["fader_db"] == -7.5
    with web_server(tmp_path, [*sources, "--fresh"]) as anew:
        assert anew.json("/api/state")["preset"]["tracks"][1]["strip"]["fader_db"] == 0


def test_what_was_done_outlives_a_kill(stems: dict[str, Path], tmp_path: Path) -> None:
    sources = [next(iter(stems.values())).parent]
    audio = io.BytesIO()
    sf.write(audio, tone(220, 0.1, 3), RATE_HZ, format="FLAC")
    with web_server(tmp_path, sources) as first:
        first.json("/api/edit", edit("track", 1, "fader_db", -7.5))
        status, _, _ = first.ask("/api/stems?name=../../Vox.flac", audio.getvalue())
        assert status == 200
        first.json("/api/do", {"what": "remember", "name": "kept"})
        kept = next((tmp_path / "mixbridge" / "web").iterdir()) / "studio.json"
        while not (kept.exists() and '"kept"' in kept.read_text()):
            pass
        first.process.kill()
        first.process.wait()
    with web_server(tmp_path, sources, first.port) as again:
        assert again.url == first.url
        state = again.json("/api/state")
        assert state["preset"]["tracks"][1]["strip"]["fader_db"] == -7.5
        assert state["snapshots"] == ["kept"]
        assert state["material"]["stems"] == ["Bass", "Keys", "Vox"]
        assert again.ask("/api/sound/mix")[0] == 200
