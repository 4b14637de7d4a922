"""`session read`: what folders, buses and their automation do to a track is in its fader; a preset has none of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from mixbridge.bridge.sessions.preset_of import SessionPreset, preset_of
from mixbridge.bridge.sessions.reading import read_session
from mixbridge.bridge.sessions.stems.render import render_stems
from mixbridge.runtime.rendering.in_memory import render_arrays
from reaper_project import item, project, track

RATE_HZ = 8000
ITEM = item(length=3.0)
ENVELOPE = "<VOLENV2\n  ACT 1 -1\n  PT 0 1 0\n  PT 1 0.5 0\n  PT 2 0.125 0\n>\n"
STILL = "<VOLENV2\n  ACT 1 -1\n  PT 0 0.25 0\n  PT 2 0.25 0\n>\n"
SEND = "AUXRECV {number} 0 0.25 0 0 0 0 0 0 -1:U 0 -1 ''\n"


@pytest.fixture(scope="module")
def song(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("groups")
    (folder / "Media").mkdir()
    tone = 0.25 * np.sin(2 * np.pi * 220 * np.arange(3 * RATE_HZ) / RATE_HZ)
    sf.write(folder / "Media" / "a.wav", tone, RATE_HZ, subtype="FLOAT")
    tracks = [
        track("Drums", lines="ISBUS 1 1\n", volpan="0.5 0 -1 -1 1"),
        track("Kick", ITEM, volpan="0.8 0 -1 -1 1"),
        track("Inner", ENVELOPE, lines="ISBUS 1 1\n"),
        track("Snare", ITEM, ENVELOPE, volpan="1 0.3 -1 -1 1"),
        track("Hats", ITEM, lines="ISBUS 2 -2\n"),
        track("Off", lines="ISBUS 1 1\n").replace("MUTESOLO 0", "MUTESOLO 1"),
        track("Organ", ITEM, lines="ISBUS 2 -1\n"),
        track("Vox", ITEM).replace("MAINSEND 1", "MAINSEND 0"),
        track("Bus", lines=SEND.format(number=7), volpan="2 0 -1 -1 1"),
        track("Pad", ITEM, STILL),
    ]
    path = folder / "song.RPP"
    path.write_text(project(tracks, rate=RATE_HZ))
    return path


@pytest.fixture(scope="module")
def read(song: Path) -> SessionPreset:
    return preset_of(read_session(song))


@pytest.mark.parametrize("name", ["Kick", "Snare", "Hats", "Organ", "Vox", "Pad"])
def test_the_preset_on_raw_stems_is_what_the_daw_plays(song: Path, read: SessionPreset, tmp_path: Path, name: str):
    wanted = sf.read(render_stems(read_session(song), tmp_path, post_fader=True)[name], always_2d=True)[0].T
    raw = sf.read(song.parent / "Media" / "a.wav", dtype="float32")[0][None]
    one = read.preset.model_copy(update={"tracks": (read.preset.track(name),), "buses": ()})
    got = np.zeros_like(wanted) if one.tracks[0].mute else render_arrays({name: raw}, RATE_HZ, one).stems[name]
    assert np.abs(got[:, : wanted.shape[1]] - wanted).max() < 0.01 * max(np.abs(wanted).max(), 1e-6)


def test_levels_are_sums(read: SessionPreset) -> None:
    # PANLAW 1 leaves a mono track as it is in the middle, the mix takes 3 dB.
    levels = {item.name: item.strip.fader_db - 20 * np.log10(2**0.5) for item in read.preset.tracks}
    for name, factor in (("Kick", 0.8 * 0.5), ("Vox", 0.25 * 2), ("Pad", 0.25)):
        assert levels[name] == pytest.approx(20 * np.log10(factor), abs=0.01), name
    assert [item.name for item in read.preset.tracks if item.mute] == ["Organ"]


def test_it_is_said(read: SessionPreset) -> None:
    assert set(read.notes) >= {
        "Drums: the level of -6.0 dB of the folder is in the faders of its tracks.",
        "Inner: the volume automation of the folder is in the faders of its tracks.",
        "Organ: muted, since it is muted by the folder Off.",
    }
