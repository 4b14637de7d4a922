"""`mixbridge session stems` and `mixbridge session inspect`, as they are typed."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from mixbridge.bridge.sessions.core.model import (
    Automation,
    Clip,
    Fade,
    MissingMedia,
    Session,
    SessionNote,
    SessionTrack,
)
from mixbridge.bridge.sessions.registry import SessionFormat
from reaper_project import item, project, track
from timeline import RATE_HZ, noise, write_audio


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder as a session: two mono tracks and a stereo one."""
    for seed, name in enumerate(("Bass", "Vox")):
        write_audio(tmp_path / "song" / f"{name}.wav", noise(4000, seed=seed))
    write_audio(tmp_path / "song" / "Keys.wav", noise(6000, 2))
    return tmp_path / "song"


@pytest.fixture
def rich_session(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Session:
    """A session with everything that there is something to say about, in place of what is read."""
    clips = (
        Clip(folder / "Vox.wav", 0, 3000, name="Take 1", fade_in=Fade(500), notes=("time-stretch",)),
        Clip(folder / "Vox.wav", 2500, 2500, gain_db=-np.inf),
    )
    session = Session(
        folder / "song.RPP",
        "reaper",
        "Song [b]",
        RATE_HZ,
        (
            SessionTrack("Vox [lead]", 0, clips, "Voices", "#aa3311", -3.0, -0.5, volume=Automation(((0.0, 1.0),))),
            SessionTrack("Keys", 1, (Clip(folder / "Keys.wav", 0, 6000),), gain_db=-np.inf, mute=True),
            SessionTrack("MIDI", 2),
        ),
        unsupported=(SessionNote("MIDI", "", "MIDI item"),),
        missing=(MissingMedia("gone.wav", (folder, folder / "Media")),),
    )
    monkeypatch.setattr(SessionFormat, "read", lambda *_: session)
    (folder / "song.RPP").write_text("x")
    return session


def test_stems_are_written_and_said(folder, run, tmp_path) -> None:
    outcome = run("session", "stems", folder, "-o", tmp_path / "out")
    assert outcome.code == 0
    assert outcome.out.splitlines()[0] == "3 stems, raw, 0:00.750 at 8000 Hz"
    assert f"{tmp_path / 'out' / 'Keys.wav'} (stereo)" in outcome.out
    assert {path.name: sf.info(path).frames for path in (tmp_path / "out").iterdir()} == {
        "Bass.wav": 6000,
        "Keys.wav": 6000,
        "Vox.wav": 6000,
    }
    assert sf.info(tmp_path / "out" / "Vox.wav").subtype == "FLOAT"


def test_a_dry_run_writes_nothing(folder, run, tmp_path) -> None:
    outcome = run(
        "session", "stems", folder, "-o", tmp_path / "out", "--dry-run", "--format", "flac", "--sample-rate", 16000
    )
    assert outcome.out.startswith("Nothing was written. These stems would be, raw, 0:00.750 at 16000 Hz:")
    assert str(tmp_path / "out" / "Bass.flac") in outcome.out
    assert not (tmp_path / "out").exists()


def test_stems_for_machines(rich_session, folder, run, tmp_path) -> None:
    outcome = run("session", "stems", folder / "song.RPP", "-o", tmp_path / "out", "--post-fader", "--json")
    assert outcome.code == 0
    assert list(outcome.data["stems"]) == ["Vox [lead]", "Keys"]
    assert outcome.data["stems"]["Vox [lead]"]["channels"] == 2
    assert outcome.data["not_rendered"] == [
        {"track": "MIDI", "clip": "", "what": "MIDI item"},
        {"track": "Vox [lead]", "clip": "Take 1", "what": "time-stretch"},
    ]
    assert outcome.data["missing"] == [{"path": "gone.wav", "looked_in": [str(folder), str(folder / "Media")]}]
    assert {"track": "Keys", "clip": "", "what": "muted, so its stem is silent"} in outcome.data["remarks"]


def test_what_is_not_rendered_is_said_once_for_people(rich_session, folder, run, tmp_path) -> None:
    outcome = run("session", "stems", folder / "song.RPP", "-o", tmp_path / "out")
    assert outcome.err.splitlines()[:3] == [
        f"Missing: gone.wav is missing (looked in {folder}, {folder / 'Media'})",
        "Not rendered: MIDI: MIDI item",
        "Not rendered: Vox [lead]: Take 1: time-stretch",
    ]


def test_strict_refuses_what_it_cannot_render(rich_session, folder, refused, tmp_path) -> None:
    words = "MIDI item; Vox [lead]: Take 1: time-stretch; gone.wav is missing"
    refused("session", "stems", folder / "song.RPP", "-o", tmp_path / "out", "--strict", words=words)


def test_strict_is_content_with_a_session_that_has_all(folder, run, tmp_path) -> None:
    assert run("session", "stems", folder, "-o", tmp_path / "out", "--strict").code == 0


@pytest.mark.parametrize("given", [["--tracks", "Bass,Vox"], ["--tracks", "Bass", "--tracks", "Vox"]])
def test_tracks_are_chosen_by_name(given, folder, run, tmp_path) -> None:
    assert run("session", "stems", folder, "-o", tmp_path / "out", *given).code == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["Bass.wav", "Vox.wav"]


@pytest.mark.parametrize(
    ("given", "names"),
    [("1", ["Bass"]), ("2-3", ["Keys", "Vox"]), ("3,Bass", ["Bass", "Vox"]), ("1-3", ["Bass", "Keys", "Vox"])],
)
def test_tracks_are_chosen_by_number(given, names, folder, run, tmp_path) -> None:
    assert run("session", "stems", folder, "-o", tmp_path / "out", "--tracks", given).code == 0
    assert sorted(path.stem for path in (tmp_path / "out").iterdir()) == names


@pytest.mark.parametrize("given", ["4", "0", "3-2", "2-9"])
def test_numbers_of_tracks_that_are_not_there(given, folder, refused, tmp_path) -> None:
    words = [given, "the tracks 1 to 3"]
    refused("session", "stems", folder, "-o", tmp_path / "out", "--tracks", given, words=words)


def test_what_cannot_be_done_is_a_line(folder, refused, tmp_path) -> None:
    output = ("-o", tmp_path / "out")
    refused("session", "stems", folder, *output, "--tracks", "Horns", words="no track 'Horns'")
    refused("session", "stems", folder, *output, "--sample-rate", 1, words="a sample rate of 1 Hz")
    refused("session", "stems", folder, *output, "--search", tmp_path / "gone", words="no such folder")
    refused("session", "stems", tmp_path / "gone.RPP", *output, words="gone.RPP cannot be read")
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "Vox.wav").write_bytes(b"x")
    refused("session", "stems", folder, "-o", tmp_path / "old", words="exists already")


def test_the_sessions_own_audio_is_never_replaced(folder, refused) -> None:
    before = {path: path.read_bytes() for path in folder.iterdir()}
    refused("session", "stems", folder, "-o", folder, "--force", words=["Bass.wav", "which is read"])
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def test_a_link_out_of_the_folder_needs_leave(folder, run, refused, tmp_path) -> None:
    write_audio(tmp_path / "far.wav", noise(100))
    (folder / "far.wav").symlink_to(tmp_path / "far.wav")
    refused("session", "stems", folder, "-o", tmp_path / "out", words="--allow-outside")
    assert run("session", "stems", folder, "-o", tmp_path / "out", "--allow-outside").code == 0


def test_inspect_tells_people(rich_session, folder, run) -> None:
    outcome = run("session", "inspect", folder / "song.RPP")
    assert outcome.code == 0
    assert outcome.out.startswith("Song [b]: REAPER session, 3 tracks, 0:00.750 at 8000 Hz, 120 bpm")
    rows = {line.split()[0]: line for line in outcome.out.splitlines() if line.strip()}
    assert "Vox [lead]" in rows["Voices"]
    assert "-3.0 ~" in rows["Voices"]
    assert "L50" in rows["Voices"]
    assert "lead vocal" in outcome.out
    # The timeline: a letter for each part of the session, of two kinds where a clip follows another.
    lines = [line for line in outcome.out.splitlines() if "█" in line or "#" in line]
    assert len(lines) == 2
    assert outcome.err.startswith("Missing: gone.wav")


def test_inspect_tells_machines(rich_session, folder, run) -> None:
    data = run("session", "inspect", folder / "song.RPP", "--json").data
    assert (data["format"], data["sample_rate_hz"], data["frames"], data["fault"]) == ("reaper", RATE_HZ, 6000, None)
    vox, keys, _ = data["tracks"]
    assert (vox["group"], vox["colour"], vox["pan"]) == ("Voices", "#aa3311", -0.5)
    assert vox["clips"][0]["fade_in"] == {"length": 500, "shape": "linear"}
    assert vox["clips"][1]["gain_db"] is None
    assert keys["gain_db"] is None


@pytest.mark.parametrize("ending", ["png", "svg"])
def test_inspect_draws(ending, rich_session, folder, run, tmp_path) -> None:
    picture = tmp_path / f"timeline.{ending}"
    assert run("session", "inspect", folder / "song.RPP", "--picture", picture).code == 0
    assert picture.stat().st_size > 3000


def test_a_picture_that_cannot_be_drawn(rich_session, folder, refused, tmp_path) -> None:
    refused("session", "inspect", folder / "song.RPP", "--picture", tmp_path / "x.bmp", words=".png, .svg or .pdf")
    refused(
        "session", "inspect", folder / "song.RPP", "--picture", tmp_path / "no" / "x.png", words="cannot be written"
    )


def test_names_and_colours_cannot_steer_terminal_or_picture(rich_session, folder, run, tmp_path, monkeypatch) -> None:
    evil = replace(rich_session.tracks[0], name="\x1b[2J$\\frac{$\u4e2d", colour="red; x", group="\x1b]0;x\x07")
    session = replace(rich_session, name="\x1b[31m", tracks=(evil,), unsupported=(SessionNote("\x1b", "", "\n"),))
    monkeypatch.setattr(SessionFormat, "read", lambda *_: session)
    outcome = run("session", "inspect", folder / "song.RPP", "--picture", tmp_path / "x.png")
    assert outcome.code == 0
    assert "\x1b" not in outcome.out + outcome.err
    assert "\x1b" not in run("session", "stems", folder / "song.RPP", "-o", tmp_path / "out").out


def test_inspect_shows_a_session_of_which_no_stems_can_be_made(folder, run) -> None:
    (folder / "Bass.wav").write_bytes(b"x")
    outcome = run("session", "inspect", folder)
    assert outcome.code == 2


def test_inspect_shows_a_session_whose_media_are_gone(rich_session, folder, run) -> None:
    (folder / "Keys.wav").unlink()
    outcome = run("session", "inspect", folder / "song.RPP")
    assert outcome.code == 1
    assert "Vox [lead]" in outcome.out
    assert "No stems can be made: track 'Keys'" in outcome.err
    assert run("session", "inspect", folder / "song.RPP", "--json").data["fault"].startswith("track 'Keys'")


def test_an_interruption_leaves_nothing(folder, run, tmp_path, monkeypatch) -> None:
    from mixbridge.bridge.sessions.stems import render

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(render._Outlet, "advance", interrupted)
    outcome = run("session", "stems", folder, "-o", tmp_path / "out")
    assert outcome.code == 130
    assert sorted(path.name for path in tmp_path.iterdir()) == ["song"]


def test_a_path_that_leads_out_does_not_hide_the_rest_of_a_project(tmp_path: Path, run, refused) -> None:
    write_audio(tmp_path / "song" / "Media" / "a.wav", noise(800))
    write_audio(tmp_path / "secret.wav", noise(800))
    path = tmp_path / "song" / "song.RPP"
    outside = str(tmp_path / "secret.wav")
    tracks = (track("Vox", item("Media/a.wav", length=0.1)), track("Gtr", item(outside), number=2))
    path.write_text(project(tracks, rate=RATE_HZ))
    outcome = run("inspect", path, "--json")
    assert outcome.code == 1
    assert list(outcome.data["stems"]) == ["Vox"]
    assert [entry["name"] for entry in outcome.data["tracks"]] == ["Vox", "Gtr"]
    assert "lies outside the session's folder" in outcome.data["fault"]
    said = run("inspect", path)
    assert "Vox.wav, 1 ch" in said.out
    assert f"Missing: {tmp_path}/secret.wav lies outside the session's folder" in said.err
    assert "--allow-outside" in said.err
    refused("stems", path, "-o", tmp_path / "stems", words="--allow-outside")
    assert run("inspect", path, "--json", "--allow-outside").data["fault"] is None
