"""Mutes that are automated: gains in time, with ramps, in post-fader stems of all formats; listed for raw ones."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import kinds_ardour
import kinds_dawproject
import kinds_reaper
import numpy as np
import pytest
import soundfile as sf
from ardour_mixer import REGION, events
from mixbridge.bridge.sessions.core.model import Automation, Clip, SessionGroup, SessionTrack
from mixbridge.bridge.sessions.core.muting import RAMP_S, Muting, muting
from mixbridge.bridge.sessions.inserting import insert
from mixbridge.bridge.sessions.reading import read_session
from mixbridge.bridge.sessions.stems.planning import plan_stems
from mixbridge.bridge.sessions.stems.render import render_stems
from mixbridge.presets.preset import Preset, Track
from reaper_project import envelope, item, track
from timeline import RATE_HZ, session_of, write_audio

BEGIN_S, END_S = 0.25, 0.5
ARDOUR_STEPS = "a70560000 1\na141120000 0\n"


def reaper(folder: Path, *points: str) -> Path:
    steps = points or ("0 1 1", "0.25 0 1", "0.5 1 1")
    return kinds_reaper._song(track("Vox", envelope("MUTEENV", *steps), item()))(folder)


def ardour(folder: Path) -> Path:
    mutes = events("mute", also=ARDOUR_STEPS).replace("a0 1\n", "a0 0\n")
    return kinds_ardour._song(vox=mutes, region=REGION.replace("a28224000@", "a282240000@"))(folder)


def dawproject(folder: Path) -> Path:
    return kinds_dawproject._song(lanes=kinds_dawproject.MUTE_LANE)(folder)


FORMATS = {"reaper": reaper, "ardour": ardour, "dawproject": dawproject}


def rendered(path: Path, folder: Path, *, post_fader: bool) -> tuple[np.ndarray, int]:
    (file,) = render_stems(read_session(path), folder, post_fader=post_fader).values()
    audio, rate_hz = sf.read(file, always_2d=True)
    return audio.T, rate_hz


@pytest.mark.parametrize("name", FORMATS)
def test_a_mute_that_is_automated_is_rendered_behind_the_fader(name: str, tmp_path: Path) -> None:
    session = FORMATS[name](tmp_path / "song")
    raw, rate_hz = rendered(session, tmp_path / "raw", post_fader=False)
    stem, _ = rendered(session, tmp_path / "stem", post_fader=True)
    begin, end, ramp = (round(time_s * rate_hz) for time_s in (BEGIN_S, END_S, RAMP_S))
    whole = np.abs(stem[:, :begin]).max() / np.abs(raw[:, :begin]).max()
    np.testing.assert_allclose(stem[:, :begin], raw[:, :begin] * whole * np.ones((2, 1)), atol=1e-5)
    assert np.abs(raw[:, begin:end]).max() > 0.01
    assert not stem[:, begin + ramp + 1 : end].any()
    np.testing.assert_allclose(stem[:, end + ramp + 1 :], raw[:, end + ramp + 1 :] * whole * np.ones((2, 1)), atol=1e-5)
    gains = np.abs(stem[0, begin : begin + ramp]) / np.maximum(np.abs(raw[0, begin : begin + ramp]) * whole, 1e-9)
    assert (np.diff(gains) <= 1e-3).all()  # down in a line, not at once
    assert gains[ramp // 2] == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("name", FORMATS)
def test_raw_stems_list_it_and_those_behind_the_fader_do_not(name: str, tmp_path: Path) -> None:
    session = read_session(FORMATS[name](tmp_path / "song"))
    raw, post = (plan_stems(session, post_fader=post_fader) for post_fader in (False, True))
    assert [note.what for note in raw.not_rendered] == ["mute automation"]
    assert post.not_rendered == ()


@pytest.mark.parametrize("name", FORMATS)
def test_a_copy_has_the_mix_without_it(name: str, tmp_path: Path) -> None:
    path = FORMATS[name](tmp_path / "song")
    copy = path.with_name(f"copy{path.suffix}")
    insert(read_session(path), Preset(tracks=(Track(name="Vox"),)), copy)
    again = read_session(copy)
    assert [track.mute_automation for track in again.tracks] == [None]
    stem, _ = rendered(copy, tmp_path / "stem", post_fader=True)
    raw, _ = rendered(path, tmp_path / "raw", post_fader=False)
    loud = np.abs(raw).max(axis=0) > 0.01
    ratio = np.abs(stem).max(axis=0)[loud] / np.abs(raw).max(axis=0)[loud]
    assert ratio.max() - ratio.min() < 1e-3


def test_reapers_switch_acts_beside_its_envelope_where_that_trims(tmp_path: Path) -> None:
    path = reaper(tmp_path)
    switched_on = path.read_text().replace("MUTESOLO 0 0 0", "MUTESOLO 1 0 0")
    path.write_text(switched_on)
    muted = read_session(path).tracks[0]
    assert (muted.mute, muted.mute_automation) == (True, None)
    path.write_text(switched_on.replace("AUTOMODE 0", "AUTOMODE 1"))
    replaced = read_session(path).tracks[0]
    assert not replaced.mute
    assert replaced.mute_automation is not None


def test_an_envelope_that_never_changes_is_a_switch(tmp_path: Path) -> None:
    heard = read_session(reaper(tmp_path / "a", "0 1 1", "2 1 1")).tracks[0]
    silent = read_session(reaper(tmp_path / "b", "0 0 1")).tracks[0]
    assert (heard.mute, heard.mute_automation) == (False, None)
    assert (silent.mute, silent.mute_automation) == (True, None)


def test_a_group_mutes_what_goes_through_it(tmp_path: Path) -> None:
    file = write_audio(tmp_path / "flat.wav", np.full(2 * RATE_HZ, 0.5))
    only = SessionTrack(
        "Vox", 0, (Clip(file, 0, 2 * RATE_HZ),), parent=0, mute_automation=muting([(0, False), (1.5, True)]).automation
    )
    group = SessionGroup("Band", "bus", mute_automation=muting([(0, True), (1, False)]).automation)
    session = replace(session_of(tmp_path, only), groups=(group,))
    (path,) = render_stems(session, tmp_path / "stems", post_fader=True).values()
    audio = sf.read(path, always_2d=True)[0][:, 0]
    places = (np.array([0.5, 0.999, 1.1, 1.499, 1.6]) * RATE_HZ).astype(int)
    assert audio[places] == pytest.approx([0, 0, 0.5, 0.5, 0], abs=1e-6)
    notes = [note.what for note in plan_stems(session).remarks]
    assert "the bus's mute automation is not in the raw stems" in notes


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([(0.0, False)], Muting(False)),
        ([(0.0, True), (3.0, True)], Muting(True)),
        ([(1.0, True), (0.0, False)], Muting(False, Automation(((0, 1), (1, 1), (1.005, 0))))),
        (
            [(0.0, False), (1.0, True), (1.002, False)],
            Muting(False, Automation(((0, 1), (1, 1), (1.005, 0), (1.005, 0), (1.01, 1)))),
        ),
        ([(0.0, True), (2.0, True), (3.0, False)], Muting(False, Automation(((0, 0), (3, 0), (3.005, 1))))),
    ],
)
def test_steps_become_ramps(steps: list[tuple[float, bool]], expected: Muting) -> None:
    found = muting(steps)
    assert found.always == expected.always
    if expected.automation is None:
        assert found.automation is None
    else:
        assert found.automation is not None
        np.testing.assert_allclose(found.automation.points, expected.automation.points)
