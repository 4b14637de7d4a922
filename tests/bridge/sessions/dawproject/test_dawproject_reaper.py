"""The same timeline as a .dawproject and as a REAPER project: the same stems, bit for bit."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from dawproject_files import audio, faults, one_track, write_project
from mixbridge.bridge.sessions.dawproject.new import create
from mixbridge.bridge.sessions.reading import read_session
from mixbridge.bridge.sessions.stems.render import render_stems
from mixbridge.presets.preset import Preset
from reaper_project import item, project, track
from timeline import noise, write_audio

RATES = {"a.wav": 8000, "b.wav": 11_025, "c.wav": 16_000}


def stem(path: Path, folder: Path) -> np.ndarray:
    (file,) = render_stems(read_session(path), folder, sample_rate_hz=8000).values()
    return sf.read(file, always_2d=True, dtype="float32")[0]


@pytest.mark.parametrize("seed", range(6))
def test_they_sound_the_same(tmp_path: Path, seed: int) -> None:
    for number, (name, rate_hz) in enumerate(RATES.items()):
        write_audio(tmp_path / "Media" / name, noise(3 * rate_hz, 1 + number % 2, seed=number), rate_hz)
    chance = random.Random(seed)
    items, clips = [], []
    # Most clips are of the file at the session's rate, which a .dawproject does not name.
    for name in ["a.wav"] * 5 + ["b.wav", "c.wav"]:
        begin, length, offset = (chance.uniform(0, 6), chance.uniform(0.2, 2), chance.uniform(0, 0.9))
        if chance.random() < 0.5:  # on whole frames
            begin, length, offset = (round(time * 8000) / 8000 for time in (begin, length, offset))
        fade_in, fade_out = (round(chance.uniform(0, length / 3), 3) for _ in "io")
        items.append(
            item(
                f"Media/{name}",
                begin,
                length,
                SOFFS=repr(offset),
                FADEIN=f"0 {fade_in!r} 0 0 0 0 0",
                FADEOUT=f"0 {fade_out!r} 0 0 0 0 0",
            )
        )
        inner = audio(f"Media/{name}", RATES[name], external=True)
        clips.append(
            f'<Clip time="{begin!r}" duration="{length!r}" playStart="{offset!r}" contentTimeUnit="seconds" '
            f'fadeInTime="{fade_in!r}" fadeOutTime="{fade_out!r}">{inner}</Clip>'
        )
    ours = write_project(tmp_path / "song.dawproject", one_track("".join(clips)))
    theirs = tmp_path / "song.RPP"
    theirs.write_text(project([track("Vox", *items)], rate=8000), newline="\n")
    expected = stem(theirs, tmp_path / "theirs")
    assert np.abs(expected).max() > 0.1
    assert np.array_equal(stem(ours, tmp_path / "ours"), expected)
    made = create(read_session(theirs), Preset(), tmp_path / "made.dawproject", match={})
    assert faults(made.path) == []
    assert np.array_equal(stem(made.path, tmp_path / "made"), expected)
