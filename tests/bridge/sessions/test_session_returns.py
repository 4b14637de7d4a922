"""Returns of effects that a session's format cannot say: rendered, wet alone, so that all together is the mix."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from click.testing import CliRunner
from dawproject_files import audio, write_project
from mixbridge.bridge.cli.main import cli
from mixbridge.bridge.sessions.core.model import MissingMedia, Session
from mixbridge.bridge.sessions.core.returned import is_return_audio
from mixbridge.bridge.sessions.inserting import insert
from mixbridge.bridge.sessions.reading import read_session
from mixbridge.bridge.sessions.stems.planning import plan_stems
from mixbridge.bridge.sessions.stems.render import render_stems
from mixbridge.bridge.sessions.stems.returns import ReturnSource, rendered_returns
from mixbridge.presets.console import Compressor, Delay, Ducking, Reverb, Strip
from mixbridge.presets.errors import OutputError
from mixbridge.presets.preset import GroupBus, Preset, Track
from mixbridge.runtime.console.effects.buses import BUSES, DELAY, FX_BUS, REVERB
from mixbridge.runtime.rendering.in_memory import Rendered, render_arrays
from reaper_project import item, project, track

RATE_HZ = 22050
NAMES = ("Vox", "Gtr one", "Gtr two", "Kick")
DRY = {"delay_send_db": -80.0}
GTR = Strip(fader_db=-6, compressor=Compressor(threshold_db=-30, ratio=3), delay_send_db=-20)
# Sends of tracks and of a group, echoes in the room, ducking, linked tracks of which one sends nothing.
PRESET = Preset(
    tracks=(
        Track(name="Vox", strip=Strip(input_gain_db=4, fader_db=-3, pan=0.2, reverb_send_db=-9, fx_send_db=-12)),
        Track(name="Gtr one", strip=GTR.model_copy(update={"pan": -0.8}), link="Gtr", bus="Band"),
        Track(name="Gtr two", strip=GTR.model_copy(update={"pan": 0.8, **DRY}), link="Gtr", bus="Band"),
        Track(name="Kick", strip=Strip(fader_db=-2)),
    ),
    buses=(GroupBus(name="Band", strip=Strip(fader_db=-2, reverb_send_db=-15)),),
    reverb=Reverb(decay_mid_s=0.9, ducking=Ducking(threshold_db=-35, range_db=6)),
    delay=Delay(time_ms=180, feedback=0.4, ping_pong=0.6, reverb_send_db=-12),
)


def sounds(frames: int = RATE_HZ) -> dict[str, np.ndarray]:
    chance = np.random.default_rng(3)
    beats = np.exp(-(np.arange(frames) % 5000) / 2000)
    return {
        name: (0.1 * beats * chance.standard_normal((1 + (name == "Kick"), frames))).astype(np.float32)
        for name in NAMES
    }


@pytest.fixture
def stems() -> dict[str, np.ndarray]:
    return sounds()


@pytest.fixture
def folder(tmp_path: Path, stems: Mapping[str, np.ndarray]) -> Path:
    place = tmp_path / "song"
    place.mkdir()
    for name, sound in stems.items():
        sf.write(place / f"{name}.wav", sound.T, RATE_HZ, subtype="FLOAT")
    return place


@pytest.fixture
def reaper(folder: Path) -> Path:
    tracks = [track(name, item(f"{name}.wav"), number=number) for number, name in enumerate(NAMES, 1)]
    path = folder / "song.RPP"
    path.write_text(project(tracks, rate=RATE_HZ))
    return path


def read(path: Path) -> np.ndarray:
    return sf.read(path, dtype="float32", always_2d=True)[0].T


def null_db(found: np.ndarray, wanted: np.ndarray) -> float:
    frames = min(found.shape[1], wanted.shape[1])
    assert not found[:, frames:].any()
    assert np.abs(wanted[:, frames:]).max(initial=0) < 1e-6
    left = found[:, :frames].astype(float) - wanted[:, :frames]
    return 10 * float(np.log10(np.mean(left**2) / np.mean(wanted.astype(float) ** 2) + 1e-30))


def dry(mix: Rendered) -> np.ndarray:
    """What a DAW plays of the mix without returns: tracks that are in no group, and the group."""
    return mix.stems["Vox"] + mix.stems["Kick"] + mix.buses["Band bus"]


def test_stems_and_returns_are_the_mix(folder: Path, tmp_path: Path, stems: Mapping[str, np.ndarray]) -> None:
    mix = render_arrays(stems, RATE_HZ, PRESET)
    match = {name: name for name in NAMES}
    with rendered_returns(read_session(folder), PRESET, match, BUSES, tmp_path, ReturnSource()) as returns:
        assert returns.notes == ()
        found = {returned.effect: read(returned.path) for returned in returns.audio}
        places = [returned.path for returned in returns.audio]
    assert tuple(found) == (FX_BUS, REVERB, DELAY)
    assert not any(place.exists() for place in places)
    for name, sound in found.items():
        assert null_db(sound, mix.buses[name]) < -110
    assert null_db(dry(mix) + sum(found.values()), mix.bus) < -110


def test_only_what_is_sent_there_is_heard_and_only_those_that_are_wanted_are_made(
    folder: Path, tmp_path: Path, stems: Mapping[str, np.ndarray]
) -> None:
    session, match = read_session(folder), {name: name for name in NAMES}
    with rendered_returns(session, PRESET, match, {FX_BUS}, tmp_path, ReturnSource()) as returns:
        assert [returned.effect for returned in returns.audio] == [FX_BUS]
        alone = render_arrays({"Vox": stems["Vox"]}, RATE_HZ, Preset(tracks=PRESET.tracks[:1]))
        assert null_db(read(returns.audio[0].path), alone.buses[FX_BUS]) < -110
    with rendered_returns(session, PRESET, {"Kick": "Kick"}, BUSES, tmp_path, ReturnSource()) as returns:
        assert (returns.audio, returns.notes) == ((), ())


def test_stems_that_are_there_are_taken(folder: Path, tmp_path: Path, stems: Mapping[str, np.ndarray]) -> None:
    session = read_session(folder)
    raw = render_stems(session, tmp_path / "raw")
    gone = replace(session, tracks=tuple(replace(each, clips=()) for each in session.tracks))
    with rendered_returns(gone, PRESET, {n: n for n in NAMES}, {DELAY}, tmp_path, ReturnSource(raw)) as returns:
        mix = render_arrays(stems, RATE_HZ, PRESET)
        assert null_db(read(returns.audio[0].path), mix.buses[DELAY]) < -110


@pytest.mark.parametrize("reason", ["missing", "barred", "broken"])
def test_why_a_return_is_not_there_is_said(folder: Path, tmp_path: Path, reason: str) -> None:
    session = read_session(folder)
    source = ReturnSource(barred="nobody may hear it" if reason == "barred" else None)
    if reason == "missing":
        session = replace(session, missing=(MissingMedia("Audio/Lost.wav"),))
    if reason == "broken":
        (folder / "Vox.wav").write_bytes(b"no sound")
    with rendered_returns(session, PRESET, {n: n for n in NAMES}, {FX_BUS}, tmp_path, source) as returns:
        assert returns.audio == ()
        [note] = returns.notes
    assert note.startswith("The fx return is not in the copy: ")
    assert {"missing": "Audio/Lost.wav", "barred": "nobody may hear it", "broken": "Vox"}[reason] in note


def test_silence_needs_no_track(folder: Path, tmp_path: Path) -> None:
    sf.write(folder / "Vox.wav", np.zeros(RATE_HZ), RATE_HZ, subtype="FLOAT")
    session = read_session(folder)
    with rendered_returns(session, PRESET, {n: n for n in NAMES}, {FX_BUS}, tmp_path, ReturnSource()) as returns:
        assert (returns.audio, returns.notes) == ((), ())


def returned(session: Session, folder: Path) -> dict[str, np.ndarray]:
    names = [each.name for each in session.tracks if is_return_audio(each)]
    files = render_stems(session, folder, post_fader=True) if names else {}
    return {name: read(files[name]) for name in names}


def test_a_reaper_copy_plays_them_on_tracks_of_their_own(
    reaper: Path, tmp_path: Path, stems: Mapping[str, np.ndarray]
) -> None:
    written = insert(read_session(reaper), PRESET, reaper.with_name("mix.RPP"))
    mix = render_arrays(stems, RATE_HZ, PRESET)
    assert "FX return (mixbridge)" in written.rendered
    assert any(note.startswith("FX return (mixbridge): the fx return, rendered") for note in written.notes)
    session = read_session(written.path)
    assert [each.name for each in session.tracks[:4]] == list(NAMES)
    assert null_db(returned(session, tmp_path / "r")["FX return (mixbridge)"], mix.buses[FX_BUS]) < -110

    # A second mix takes the place of the first; one without such a return mutes the track.
    again = insert(session, PRESET, reaper.with_name("again.RPP"))
    assert len(read_session(again.path).tracks) == len(session.tracks)
    found = returned(read_session(again.path), tmp_path / "s")
    assert null_db(found["FX return (mixbridge)"], mix.buses[FX_BUS]) < -110
    plain = Preset(tracks=tuple(Track(name=name) for name in NAMES))
    without = insert(read_session(again.path), plain, reaper.with_name("without.RPP"))
    assert without.rendered == ()
    assert all(each.mute for each in read_session(without.path).tracks if is_return_audio(each))
    assert any("an earlier one is muted" in note for note in without.notes)


def test_a_reaper_project_whose_last_folder_is_open_takes_them_outside_of_it(folder: Path, tmp_path: Path) -> None:
    tracks = [track(name, item(f"{name}.wav"), number=number) for number, name in enumerate(NAMES, 1)]
    tracks[0] = track(NAMES[0], item(f"{NAMES[0]}.wav"), lines="ISBUS 1 1\n")
    path = folder / "open.RPP"
    path.write_text(project(tracks, rate=RATE_HZ))
    session = read_session(insert(read_session(path), PRESET, folder / "mix.RPP").path)
    assert all(each.parent is None for each in session.tracks if is_return_audio(each))
    assert [each.parent is None for each in session.tracks[:4]] == [True, False, False, False]


def test_they_are_no_stems_of_the_next_mix(reaper: Path) -> None:
    copy = read_session(insert(read_session(reaper), PRESET, reaper.with_name("mix.RPP")).path)
    plan = plan_stems(copy)
    assert [stem.name for stem in plan.stems] == list(NAMES)
    assert any("a return of an earlier mix" in note.what for note in plan.remarks)
    assert len(plan_stems(copy, post_fader=True).stems) > len(NAMES)
    named = plan_stems(copy, tracks=["FX return (mixbridge)"])
    assert [stem.name for stem in named.stems] == ["FX return (mixbridge)"]


@pytest.mark.parametrize("ending", ["RPP", "dawproject"])
def test_their_tails_make_the_next_mix_no_longer(reaper: Path, ending: str) -> None:
    first = read_session(insert(read_session(reaper), PRESET, reaper.with_name(f"mix.{ending}")).path)
    assert plan_stems(first).frames == RATE_HZ
    tail = plan_stems(first, post_fader=True).frames
    assert tail == plan_stems(first, tracks=["Vox", "FX return (mixbridge)"]).frames > RATE_HZ
    again = read_session(insert(first, PRESET, reaper.with_name(f"again.{ending}")).path)
    assert plan_stems(again, post_fader=True).frames == tail


def test_audio_of_others_is_never_replaced(reaper: Path) -> None:
    other = reaper.with_name("mix fx return.wav")
    sf.write(other, np.ones(100), RATE_HZ)
    with pytest.raises(OutputError, match="no audio of mixbridge's"):
        insert(read_session(reaper), PRESET, reaper.with_name("mix.RPP"), overwrite=True)
    assert not reaper.with_name("mix.RPP").exists()
    assert len(read(other)[0]) == 100


def inserted(*arguments: str) -> dict[str, list[str]]:
    result = CliRunner().invoke(cli, arguments, catch_exceptions=False)
    assert result.exit_code == 0
    return dict(json.loads(result.stdout))


def test_audio_from_outside_is_heard_only_with_leave(folder: Path, tmp_path: Path) -> None:
    place = tmp_path / "elsewhere"
    place.mkdir()
    tracks = [track(name, item(str(folder / f"{name}.wav"))) for name in NAMES]
    (place / "song.RPP").write_text(project(tracks, rate=RATE_HZ))
    (place / "mix.json").write_text(PRESET.model_dump_json())
    arguments = ["session", "insert", str(place / "mix.json"), str(place / "song.RPP"), "--json"]
    without = inserted(*arguments)
    assert without["rendered"] == []
    assert any("--allow-outside" in note for note in without["notes"])
    heard = inserted(*arguments, "--force", "--allow-outside")
    assert "FX return (mixbridge)" in heard["rendered"]


def test_the_embedded_audio_of_a_project_is_heard(folder: Path, tmp_path: Path) -> None:
    inside = "".join(
        f'<Track contentType="audio" id="t{n}" name="{name}"><Channel id="c{n}" role="regular"/></Track>'
        for n, name in enumerate(NAMES)
    )
    clips = "".join(
        f'<Lanes track="t{n}"><Clips><Clip time="0" duration="1">{audio(f"a/{n}.wav", RATE_HZ)}</Clip></Clips></Lanes>'
        for n in range(len(NAMES))
    )
    body = f'<Structure>{inside}</Structure><Arrangement><Lanes timeUnit="seconds">{clips}</Lanes></Arrangement>'
    files = {f"a/{n}.wav": folder / f"{name}.wav" for n, name in enumerate(NAMES)}
    session = read_session(write_project(tmp_path / "song.dawproject", body, files))
    with rendered_returns(session, PRESET, {n: n for n in NAMES}, {REVERB}, tmp_path, ReturnSource()) as returns:
        assert [returned.effect for returned in returns.audio] == [REVERB]
